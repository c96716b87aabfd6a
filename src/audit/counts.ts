import type { AuditEvent } from '../ports/audit.ts'
import { createAllowance } from './allowance.ts'
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
/** Entries that one caller can cause for longer, and all those together of whom nothing but an address is known. */
const OF_CALLER = { atOnce: 200, perSecond: 2 }
const OF_STRANGERS = { atOnce: 2000, perSecond: 5 }
/** Of all those that are counted together. */
const OTHERS = 'others'

export function createCounts(now: () => number): Counts {
  const ofCallers = createAllowance({ ...OF_CALLER, now })
  const ofStrangers = createAllowance({ ...OF_STRANGERS, now })
  let kinds = new Map<string, { event: AuditEvent; count: number }>()
  let callers = new Map<string, number>()

  const mayHave = (who: string, from: string): boolean =>
    who === '' ? ofStrangers.take('') && ofCallers.take(`address ${from}`) : ofCallers.take(`user ${who}`)
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
    const isFull = (): boolean => ofCaller >= MAX_OF_CALLER || kinds.size >= MAX_KINDS || !mayHave(who, from)
    if (action !== OTHERS && isFull()) return false
    kinds.set(kind, { event, count: 1 })
    callers.set(caller, ofCaller + 1)
    return true
  }
  return {
    add(event) {
      if (countAs(event)) return
      const { who, outcome, from } = event
      // who it was is worth more than what it was; with too many callers neither is told
      const isRoomy = kinds.size < 2 * MAX_KINDS && (who !== undefined || ofStrangers.take(''))
      const whose = who === undefined ? { from } : { who }
      countAs(isRoomy ? { ...whose, action: OTHERS, outcome } : { action: OTHERS, outcome })
    },
    take(at) {
      const taken = [...kinds.values()].map(({ event, count }) => ({ ...event, at, count }))
      kinds = new Map()
      callers = new Map()
      return taken
    },
  }
}
