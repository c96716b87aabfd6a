import { type AlertNotification, AlertRefused, type AlertTarget } from '../../src/ports/alert-target.ts'
import type { AlertEntry, Journal } from '../../src/ports/journal.ts'
import { createAlerts } from '../../src/risk/alerts.ts'
import { createDeliveries } from '../../src/risk/deliveries.ts'
import { createSightings, type Seen } from '../../src/risk/sightings.ts'
import { createSteadyClock } from '../../src/risk/steady-clock.ts'
import type { Indicator } from '../../src/risk/watch.ts'

export const MINUTE = 60_000
export const HOUR = 60 * MINUTE
export const GUARD_AT_REST = { tripped: false, at: undefined, by: undefined, reason: undefined }

/** Instances that hear each other, whose system clocks a test turns; `passed` is how much time there was in truth. */
export function world() {
  const time = { wall: Date.parse('2026-04-02T09:00:00Z'), passed: 0 }
  const journal: AlertEntry[] = []
  const heard = new Set<(entry: AlertEntry) => void>()
  const state = { isFull: false, isDeaf: false }
  const received: (AlertNotification & { by: string })[] = []
  const logged: string[] = []
  const target = { isDown: false, refuses: '', onSend: async (): Promise<void> => undefined }
  const start = (name: string) => {
    const instance = name.padEnd(12, '0')
    const clock = createSteadyClock(
      () => time.wall,
      () => time.passed,
    )
    const own: Journal = {
      async append(entry) {
        if (state.isFull) throw new Error('no space left')
        journal.push(entry as AlertEntry)
        for (const one of state.isDeaf ? [hear] : heard) one(entry as AlertEntry)
        return { segment: '', from: 0, to: 0 }
      },
    }
    const alerts = createAlerts({
      journal: own,
      instance,
      now: clock.now,
      onUnkept: () => undefined,
      onChanged: (event, { level }) => logged.push(`${name} ${event} ${level}`),
    })
    const hear = (entry: AlertEntry): void => {
      if (entry.instance === instance) clock.notBefore(entry.at)
      alerts.remember(entry)
    }
    for (const entry of journal) hear(entry)
    heard.add(hear)
    const webhook: AlertTarget = {
      name: 'webhook',
      async send(notification) {
        if (target.isDown) throw new Error('it answered 503')
        if (notification.alert.name === target.refuses) throw new AlertRefused('it answered 400')
        received.push({ ...notification, by: name })
        await target.onSend()
      },
    }
    const deliveries = createDeliveries({
      alerts,
      targets: [webhook],
      instance,
      now: clock.now,
      onFailed: () => undefined,
    })
    const sightings = createSightings(alerts, instance, clock.now)
    const seen: Seen = { indicators: [], components: [], guard: GUARD_AT_REST }
    return {
      alerts,
      seen,
      /** Nothing of it is left but what is journaled. */
      kill: () => heard.delete(hear),
      async step() {
        deliveries.begin()
        sightings.look(seen)
        alerts.escalate()
        await alerts.keep()
        await deliveries.step()
        await alerts.keep()
      },
    }
  }
  /** What was said while nobody heard it. */
  const hearAll = (): void => {
    for (const entry of [...journal]) for (const hear of heard) hear(entry)
  }
  const pass = (ms: number): void => {
    time.wall += ms
    time.passed += ms
  }
  return { time, journal, state, received, logged, target, start, pass, hearAll }
}
export type Instance = ReturnType<ReturnType<typeof world>['start']>

export const indicator = (
  state: Indicator['state'],
  name: Indicator['name'] = 'memory_usage',
  value = 190,
): Indicator => ({
  name,
  value,
  unit: 'megabytes',
  alarmLine: 150,
  threshold: 180,
  severity: name === 'memory_usage' ? 'MEDIUM' : 'CRITICAL',
  state,
  measuredAt: 0,
  source: '',
  runbook: '',
})
export const PARTS = ['journal', 'clickhouse', 'publisher', 'redis', 'unleash', 'access', 'audit'] as const
export const told = (one: Instance) => one.alerts.all().map(({ name, state, level }) => `${name} ${state} ${level}`)
