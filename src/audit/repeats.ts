import type { AuditEvent, RepeatedEvent } from '../ports/audit.ts'
import { createAllowance } from './allowance.ts'
import type { PlacedEvent } from './line.ts'

/** What a caller may do as often as they like: each of it is noted, and whoever does it too often fills no disk. */
export interface Repeats {
  /** Settles when it is on disk, or one of its kind of this second is, with which it is put together. */
  note(event: RepeatedEvent): Promise<void>
  /** What was put together so far, of each kind one; begins a new second. */
  take(at: number): PlacedEvent[]
}

/** Entries of one caller: beyond that, one of a kind and second, and one with the number of the others. */
const OF_CALLER = { atOnce: 100, perSecond: 1 }

interface Kind {
  /** The first one of this second. */
  noted: Promise<void>
  event: RepeatedEvent
  /** Those after it. */
  count: number
}

export function createRepeats(note: (event: AuditEvent) => Promise<void>, now: () => number): Repeats {
  const allowance = createAllowance({ ...OF_CALLER, now })
  let kinds = new Map<string, Kind>()
  return {
    note(event) {
      const kind = kindOf(event)
      const known = kinds.get(kind)
      if (allowance.take(event.who ?? '') || known === undefined) {
        const noted = note(plain(event))
        if (known === undefined) kinds.set(kind, { noted, event, count: 0 })
        return noted
      }
      known.event = known.count === 0 ? event : together(known.event, event)
      known.count++
      return known.noted
    },
    take(at) {
      const taken = [...kinds.values()].filter(({ count }) => count > 0)
      kinds = new Map()
      return taken.map(({ event, count }) => ({ ...plain(event), at, count }))
    },
  }
}

const kindOf = ({ who, action, outcome, detail, numbers = {} }: RepeatedEvent): string =>
  JSON.stringify([who, action, outcome, detail, Object.keys(numbers)])

function together(one: RepeatedEvent, other: RepeatedEvent): RepeatedEvent {
  const numbers = Object.entries(other.numbers ?? {}).map(([name, more]) => [name, (one.numbers?.[name] ?? 0) + more])
  const { request: _, ...rest } = other
  return { ...rest, from: one.from === other.from ? one.from : undefined, numbers: Object.fromEntries(numbers) }
}

/** With its numbers in its text. */
function plain({ numbers = {}, detail, ...event }: RepeatedEvent): AuditEvent {
  const texts = [...Object.entries(numbers).map(([name, number]) => `${name}=${number}`), detail]
  const text = texts.filter((one) => one !== undefined && one !== '').join(' ')
  return { ...event, detail: text === '' ? undefined : text }
}
