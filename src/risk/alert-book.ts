import type { AlertEntry } from '../ports/journal.ts'
import { type Alert, alertIdOf, alertsOf, inOrder, isWorse } from './alert-history.ts'
import type { Severity } from './indicators.ts'

/** All that is known to have happened to alerts, whoever said it, and what they are by it. */
export interface AlertBook {
  remember(entry: AlertEntry): void
  /** In order. */
  entriesOf(name: string): readonly AlertEntry[]
  /** The latest first. */
  all(): readonly Alert[]
  /** The one of this name that is not closed. */
  open(name: string): Alert | undefined
  /** When the latest thing happened. */
  latestAt(): number
  /** Goes up with whatever is remembered: while it is the same, so is everything else. */
  changes(): number
}

/** What was told so long ago is asked for no more. */
export const TOLD_FOR_MS = 7 * 86_400_000

/** From so many entries of one name on, those that nobody needs any more are left out. */
const MANY_ENTRIES = 2000

export function createAlertBook(): AlertBook {
  /** By name. */
  const known = new Map<string, Entries>()
  let everything: readonly Alert[] | undefined
  let latestAt = 0
  let changes = 0
  const ofName = (name: string): Entries => {
    const of = known.get(name) ?? newEntries()
    known.set(name, of)
    return of
  }
  const alertsNamed = (of: Entries): Alert[] => {
    of.alerts ??= alertsOf(ordered(of))
    return of.alerts
  }
  const all = (): Alert[] =>
    [...known.values()].flatMap(alertsNamed).sort((a, b) => b.openedAt - a.openedAt || (a.id < b.id ? 1 : -1))
  return {
    entriesOf: (name) => ordered(ofName(name)),
    latestAt: () => latestAt,
    changes: () => changes,
    remember(entry) {
      const of = ofName(entry.name)
      of.byKey.set(keyOf(entry), entry)
      changed(of)
      everything = undefined
      changes++
      latestAt = Math.max(latestAt, entry.at)
      if (of.byKey.size <= of.many) return
      for (const old of unneeded(ordered(of), latestAt)) of.byKey.delete(keyOf(old))
      changed(of)
      of.many = Math.max(MANY_ENTRIES, 2 * of.byKey.size)
    },
    all() {
      everything ??= all()
      return everything
    },
    open(name) {
      const last = alertsNamed(ofName(name)).at(-1)
      return last?.state === 'CLOSED' ? undefined : last
    },
  }
}

/** Of one name; what follows from them is worked out when it is asked for. */
interface Entries {
  byKey: Map<string, AlertEntry>
  inOrder: readonly AlertEntry[] | undefined
  alerts: Alert[] | undefined
  /** With more than so many it is looked which of them nobody needs. */
  many: number
}

const newEntries = (): Entries => ({ byKey: new Map(), inOrder: [], alerts: [], many: MANY_ENTRIES })

function changed(of: Entries): void {
  of.inOrder = undefined
  of.alerts = undefined
}

function ordered(of: Entries): readonly AlertEntry[] {
  of.inOrder ??= [...of.byKey.values()].sort(inOrder)
  return of.inOrder
}

/** By who says it and when. */
const keyOf = ({ at, instance }: AlertEntry): string => `${at} ${instance}`

/** Entries of one name, in order, without which everything is as it was, but for what is long over. */
function unneeded(entries: readonly AlertEntry[], now: number): readonly AlertEntry[] {
  if (entries[0]?.event === 'delivered') return entries.filter(({ at }) => at < now - TOLD_FOR_MS)
  const openings = new Set(alertsOf(entries).map(({ id }) => id))
  // none is cut in two: what is left of it would be another alert
  const begins = entries.flatMap((entry, i) => (openings.has(alertIdOf(entry)) ? [i] : []))
  const enough = entries.length - MANY_ENTRIES / 2
  const from = begins.find((i) => i >= enough) ?? begins.at(-1) ?? enough
  return [...entries.slice(0, from), ...saidAgain(entries.slice(from))]
}

/** Of what an instance says again and again, that it still sees something, all but the last time. */
function saidAgain(entries: readonly AlertEntry[]): AlertEntry[] {
  const seen = new Map<string, { worst: Severity; again?: AlertEntry }>()
  const dropped: AlertEntry[] = []
  for (const entry of entries) {
    const { event, severity = 'MEDIUM', of = entry.instance } = entry
    const before = seen.get(of)
    if (event === 'recovered') seen.delete(of)
    if (event !== 'raised') continue
    if (before === undefined || isWorse(severity, before.worst)) seen.set(of, { ...before, worst: severity })
    else {
      if (before.again !== undefined) dropped.push(before.again)
      before.again = entry
    }
  }
  return dropped
}
