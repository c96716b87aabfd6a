import { BridgeError, invalidArgument } from '../domain/errors.ts'
import { toPlainText } from '../domain/plain-text.ts'
import type { AlertEntry, Journal } from '../ports/journal.ts'
import { tellMoment } from '../ports/moments.ts'
import { createAlertBook } from './alert-book.ts'
import { type Alert, type AlertStep, isWorse } from './alert-history.ts'
import type { Severity } from './indicators.ts'

/** What is seen now, of something that an alert can be about. */
export interface Sighting {
  name: string
  severity: Severity
  text: string
  /** Since when it is so. */
  since: number
  /** Every instance sees the same. */
  isShared?: boolean
}

/** What happens around alerts: how they are told, and what indicators came to. */
export type NotedEvent = 'courier' | 'subscribed' | 'delivered' | 'measured'

/** Alerts, shared by instances and kept over starts: each tells what it sees, and all come to the same. */
export interface Alerts {
  /** The latest first. */
  all(): readonly Alert[]
  /** The one of this name that is not closed. */
  open(name: string): Alert | undefined
  /** It is so now. Where this is known, nothing happens, but now and then it is said again. */
  raise(sighting: Sighting): void
  /** It is so no more; `of`: on another instance. */
  recover(name: string, text: string, of?: string): void
  /** Who has not seen to an alert for long enough, is told again, or somebody above. */
  escalate(): void
  acknowledge(id: string, note: string, by: string): Promise<Alert>
  /** Closes the incident of an alert by hand. */
  resolve(id: string, note: string, by: string): Promise<Alert>
  /** Learns of an entry, in whatever order entries come, and more than once. */
  remember(entry: AlertEntry): void
  /** Notes something around alerts. */
  note(event: NotedEvent, more: Partial<AlertEntry>): void
  /** While it is the same, so is all that is known. */
  changes(): number
  /** What was noted so, in order. */
  noted(event: NotedEvent): readonly AlertEntry[]
  /** Writes what the disk has not taken so far. */
  keep(): Promise<void>
}

export interface AlertsOptions {
  journal: Journal
  instance: string
  now: () => number
  onUnkept: (error: unknown) => void
  /** This instance is the one that has changed it so. */
  onChanged?: (event: AlertStep['event'], alert: Alert) => void
}

const HOUR_MS = 3_600_000
/** From when on an alert that nobody has acknowledged is of a level. */
export const LEVELS: readonly { level: number; afterMs: number; who: string }[] = [
  { level: 1, afterMs: 0, who: 'the team' },
  { level: 2, afterMs: 2 * HOUR_MS, who: 'technical leadership' },
  { level: 3, afterMs: 8 * HOUR_MS, who: 'project management' },
]
/** Alerts that somebody above is to be told of now. */
const dueOf = (alerts: readonly Alert[], now: number): { alert: Alert; due: (typeof LEVELS)[number] }[] =>
  alerts.flatMap((alert) => {
    const { state, countsFrom, level } = alert
    const due = state === 'OPEN' ? LEVELS.findLast(({ afterMs }) => now - countsFrom >= afterMs) : undefined
    return due !== undefined && due.level > level ? [{ alert, due }] : []
  })
/** What becomes of an alert by something of this severity. */
function changeBy(severity: Severity, alert: Alert | undefined): 'opened' | 'worsened' | undefined {
  if (alert === undefined) return 'opened'
  return isWorse(severity, alert.severity) ? 'worsened' : undefined
}

/** Texts of parts that are down may come from elsewhere: each is one line. */
const MAX_TEXT = 1000
/** Between two times that an instance says that it still sees something. */
const SAID_AGAIN_MS = HOUR_MS / 2

export function createAlerts({ journal, instance, now, onUnkept, onChanged }: AlertsOptions): Alerts {
  const book = createAlertBook()
  const { all, open, remember } = book
  const queue = createQueue(journal, onUnkept)
  /** Later than all that is known, whatever the clock says: what follows from something comes after it. */
  const made = (name: string, event: AlertEntry['event'], text: string, more: Partial<AlertEntry>): AlertEntry => ({
    kind: 'alert',
    at: Math.max(now(), book.latestAt() + 1),
    instance,
    name,
    event,
    text: toPlainText(text, MAX_TEXT),
    ...more,
  })
  /** It counts here from now on, whatever the disk says. */
  const write = (entry: AlertEntry): void => {
    remember(entry)
    queue.add(entry)
  }
  const find = (id: string): Alert => requireAlert(all(), id)
  /** What an operator does is on disk before it is answered. */
  const act = async (id: string, event: 'acknowledged' | 'resolved', note: string, by: string): Promise<Alert> => {
    const alert = find(id)
    requireAllowed(alert, event)
    const entry = made(alert.name, event, note, { by, severity: alert.severity })
    await toJournal(journal, entry)
    remember(entry)
    return find(id)
  }
  return {
    all,
    open,
    remember,
    changes: book.changes,
    raise({ name, severity, text, since, isShared }) {
      const alert = open(name)
      const of = isShared ? '*' : instance
      const seenAt = alert?.seenBy.get(of)
      const change = changeBy(severity, alert)
      if (!change && seenAt !== undefined && (isShared || now() - seenAt < SAID_AGAIN_MS)) return
      write(made(name, 'raised', text, { severity, since, ...(isShared && { of }) }))
      if (change) onChanged?.(change, open(name) as Alert)
    },
    recover(name, text, of) {
      const alert = open(name)
      if (alert === undefined || !alert.seenBy.has(of ?? instance)) return
      write(made(name, 'recovered', text, of === undefined ? {} : { of }))
      if (open(name) === undefined) onChanged?.('closed', find(alert.id))
    },
    escalate() {
      for (const { alert, due } of dueOf(all(), now())) {
        const { id, name, severity } = alert
        write(made(name, 'escalated', `nobody has acknowledged it: ${due.who}`, { level: due.level, severity }))
        onChanged?.('escalated', find(id))
      }
    },
    acknowledge: (id, note, by) => act(id, 'acknowledged', note, by),
    resolve: (id, note, by) => act(id, 'resolved', note, by),
    note: (event, more) => write(made(event, event, '', more)),
    noted: book.entriesOf,
    keep: queue.keep,
  }
}

/** What is to be journaled, in order, each once. */
function createQueue(journal: Journal, onUnkept: (error: unknown) => void) {
  const unkept: AlertEntry[] = []
  const keepAll = async (): Promise<void> => {
    while (unkept[0] !== undefined)
      try {
        await toJournal(journal, unkept[0])
        unkept.shift()
      } catch (error) {
        return onUnkept(error)
      }
  }
  let keeping = Promise.resolve()
  return {
    add: (entry: AlertEntry) => void unkept.push(entry),
    keep() {
      keeping = keeping.then(keepAll)
      return keeping
    },
  }
}

async function toJournal(journal: Journal, entry: AlertEntry): Promise<void> {
  const moment = `alert ${entry.name} ${entry.event}`
  tellMoment(moment, 'before')
  await journal.append(entry)
  tellMoment(moment, 'after')
}

function requireAlert(alerts: readonly Alert[], id: string): Alert {
  const found = alerts.find((one) => one.id === id)
  if (found === undefined) throw invalidArgument('id', 'there is no alert with this id')
  return found
}

/** Throws CONFLICT where it was done already, or is over. */
function requireAllowed({ state, resolvedAt }: Alert, event: 'acknowledged' | 'resolved'): void {
  if (event === 'acknowledged' && state !== 'OPEN') throw new BridgeError('CONFLICT', `the alert is ${state}`)
  if (event === 'resolved' && (resolvedAt !== undefined || state === 'CLOSED'))
    throw new BridgeError('CONFLICT', 'the incident was closed already')
}
