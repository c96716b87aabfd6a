import type { AuditEvent } from '../ports/audit.ts'
import type { PlacedEvent } from './line.ts'

/** What happened since the last second, one of each kind. */
export interface Counts {
  add(event: AuditEvent): void
  /** Everything so far, as of this moment; begins anew. */
  take(at: number): PlacedEvent[]
}

/** Kinds of one caller, and kinds of all, that are told apart within a second: what is more is counted together. */
const MAX_OF_CALLER = 20
const MAX_KINDS = 500
/** Of all those that are counted together. */
const OTHERS = 'others'

export function createCounts(): Counts {
  let kinds = new Map<string, { event: AuditEvent; count: number }>()
  let callers = new Map<string, number>()

  const countAs = (event: AuditEvent): boolean => {
    const { who = '', action, outcome, detail = '', from = '' } = event
    const kind = `${who}\n${action}\n${outcome}\n${from}\n${detail}`
    const known = kinds.get(kind)
    if (known !== undefined) {
      known.count++
      return true
    }
    const caller = who === '' ? from : who
    const ofCaller = callers.get(caller) ?? 0
    if ((ofCaller >= MAX_OF_CALLER || kinds.size >= MAX_KINDS) && action !== OTHERS) return false
    kinds.set(kind, { event, count: 1 })
    callers.set(caller, ofCaller + 1)
    return true
  }
  return {
    add(event) {
      if (countAs(event)) return
      const { who, outcome, from } = event
      // who it was is worth more than what it was; with too many callers neither is told
      const isRoomy = kinds.size < 2 * MAX_KINDS
      countAs(isRoomy ? { who, from, action: OTHERS, outcome } : { action: OTHERS, outcome })
    },
    take(at) {
      const taken = [...kinds.values()].map(({ event, count }) => ({ ...event, at, count }))
      kinds = new Map()
      callers = new Map()
      return taken
    },
  }
}
