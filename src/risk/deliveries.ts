import { type AlertNotification, AlertRefused, type AlertTarget } from '../ports/alert-target.ts'
import type { AlertEntry } from '../ports/journal.ts'
import { tellMoment } from '../ports/moments.ts'
import { TOLD_FOR_MS } from './alert-book.ts'
import type { Alert, AlertStep } from './alert-history.ts'
import type { Alerts } from './alerts.ts'
import type { Severity } from './indicators.ts'

// Alerts are told to those who are to be woken. What is to be told follows from the alerts, and what was told is
// journaled: so nothing is forgotten by an end of the process, and one instance at a time tells it.

export interface Deliveries {
  /** From now on alerts are told: those before are no news. To be called once the journal was read. */
  begin(): void
  /** Tells what is to be told, if it is this instance's turn. To be called again and again. */
  step(): Promise<void>
}

export interface DeliveriesOptions {
  alerts: Alerts
  targets: readonly AlertTarget[]
  instance: string
  now: () => number
  onFailed: (target: string, error: Error) => void
  onSent?: (target: string) => void
}

const SECOND_MS = 1000
/** An instance tells alerts for so long, and says so again before that ends. */
const TURN_MS = 120 * SECOND_MS
/** After it said so it waits: another one may have said the same at the same time. */
const SETTLE_MS = 2 * SECOND_MS
/** Between two attempts, doubled each time. */
const FIRST_WAIT_MS = SECOND_MS
const LONGEST_WAIT_MS = 300 * SECOND_MS

export function createDeliveries({ alerts, targets, instance, now, onFailed, onSent }: DeliveriesOptions): Deliveries {
  /** Of targets, and of what a target refused. */
  const waits = createWaits(now)
  const subscribedAt = (target: string): number | undefined =>
    alerts.noted('subscribed').find(({ told }) => told === target)?.at
  /** By target: what there was to know when nothing was to be told. */
  const quiet = new Map<string, number>()
  const waiting = (target: AlertTarget): Due[] => {
    if (quiet.get(target.name) === alerts.changes()) return []
    const found = look(target)
    if (found.length === 0) quiet.set(target.name, alerts.changes())
    return found
  }
  const look = (target: AlertTarget): Due[] => {
    const from = Math.max(subscribedAt(target.name) ?? Number.POSITIVE_INFINITY, now() - TOLD_FOR_MS)
    const delivered = new Set(alerts.noted('delivered').map(({ told }) => told))
    const wasTold = (id: string): boolean => delivered.has(`${target.name} ${id}`)
    return alerts
      .all()
      .filter(({ closedAt = from }) => closedAt >= from)
      .flatMap((alert) => [...notificationsOf(alert), ...otherEnds(alert, wasTold)])
      .filter(({ at, id }) => at >= from && !wasTold(id))
      .sort((a, b) => a.at - b.at)
  }
  const tell = async (target: AlertTarget, notification: AlertNotification): Promise<boolean> => {
    const moment = `telling ${notification.alert.name} ${notification.event}`
    try {
      tellMoment(moment, 'before')
      await target.send(notification)
      tellMoment(moment, 'after')
      alerts.note('delivered', { told: keyOf(target, notification) })
      await alerts.keep()
      for (const key of [target.name, keyOf(target, notification)]) waits.end(key)
      onSent?.(target.name)
      return true
    } catch (error) {
      const isRefused = error instanceof AlertRefused
      waits.begin(isRefused ? keyOf(target, notification) : target.name)
      onFailed(target.name, error as Error)
      return isRefused
    }
  }
  /** What may be told now. */
  const due = (target: AlertTarget): Due[] =>
    waits.isWaiting(target.name) ? [] : waiting(target).filter((one) => !waits.isWaiting(keyOf(target, one)))
  /** Whether it is this instance that tells alerts now. */
  const hasTurn = (): boolean => {
    const turn = turnOf(alerts.noted('courier'))
    if (turn === undefined || turn.until <= now()) {
      alerts.note('courier', { until: now() + TURN_MS })
      return false
    }
    if (turn.instance !== instance) return false
    if (turn.until - now() < TURN_MS / 4) alerts.note('courier', { until: now() + TURN_MS })
    return now() - turn.since >= SETTLE_MS
  }
  return {
    begin() {
      for (const { name } of targets) if (subscribedAt(name) === undefined) alerts.note('subscribed', { told: name })
    },
    async step() {
      if (targets.every((target) => due(target).length === 0) || !hasTurn()) return
      await Promise.all(
        targets.map(async (target) => {
          // many of them may take long, and another instance goes on where this one says nothing
          for (const { at: _, ...notification } of due(target))
            if (!hasTurn() || !(await tell(target, notification))) return
        }),
      )
    },
  }
}

const keyOf = ({ name }: AlertTarget, { id }: AlertNotification): string => `${name} ${id}`

/** After each failure it is waited, twice as long as before. */
function createWaits(now: () => number) {
  const waits = new Map<string, { until: number; ms: number }>()
  return {
    isWaiting: (key: string): boolean => now() < (waits.get(key)?.until ?? 0),
    begin(key: string): void {
      const ms = Math.min(2 * (waits.get(key)?.ms ?? FIRST_WAIT_MS / 2), LONGEST_WAIT_MS)
      waits.set(key, { until: now() + ms, ms })
    },
    end: (key: string): boolean => waits.delete(key),
  }
}

/** Of several who say that it is their turn, it is whoever said so first; the others wait for its end. */
function turnOf(entries: readonly AlertEntry[]): { instance: string; since: number; until: number } | undefined {
  let turn: { instance: string; since: number; until: number } | undefined
  for (const { at, instance, until = at } of entries) {
    if (turn === undefined || turn.until <= at) turn = { instance, since: at, until }
    else if (turn.instance === instance) turn.until = Math.max(turn.until, until)
  }
  return turn
}

type Due = AlertNotification & { at: number }

/** What is to be told of an alert, each once. */
const notificationsOf = ({ id, name, openedAt, closedAt, runbook, steps }: Alert): Due[] =>
  steps.map((step) => {
    const { event, at, severity, level, message } = step
    const alert = { id, name, severity, level, openedAt, closedAt, message, runbook }
    return { id: `${id}-${partOf(step, steps[0]?.severity)}`, event, at, alert }
  })

/** Who was told of it under another id, too, is told its end under that. */
const otherEnds = (alert: Alert, wasTold: (id: string) => boolean): Due[] =>
  alert.otherIds
    .filter((id) => alert.closedAt !== undefined && wasTold(`${id}-opened`))
    .flatMap((id) => notificationsOf({ ...alert, id, steps: alert.steps.slice(-1) }))

/** An alert that grows worse may come to each level again. */
function partOf({ event, severity, level }: AlertStep, first: Severity | undefined): string {
  if (event === 'escalated') return severity === first ? `level-${level}` : `level-${level}-${severity}`
  return event === 'worsened' ? `worsened-${severity}` : event
}
