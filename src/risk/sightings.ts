import { COMPONENTS, type ComponentName, downName, GUARD_TRIPPED } from './alert-names.ts'
import type { Alerts, Sighting } from './alerts.ts'
import { valueText } from './value-text.ts'
import type { Indicator } from './watch.ts'

// When something that was measured becomes an alert, and when it ends.

/** A part of health. */
export interface SeenComponent {
  name: ComponentName
  state: 'UP' | 'DEGRADED' | 'DOWN' | 'OFF'
  detail: string
}

export interface Seen {
  indicators: readonly Indicator[]
  components: readonly SeenComponent[]
  /** `undefined`: nobody knows yet. */
  guard: { tripped: boolean; at: number | undefined; by: string | undefined; reason: string | undefined } | undefined
}

export interface Sightings {
  /** Raises and ends alerts by what is seen now. To be called again and again. */
  look(seen: Seen): void
}

const MINUTE_MS = 60_000
/** An indicator must be back before its lines for so long: what comes and goes is one alert. */
const WELL_MS = 3 * MINUTE_MS
/** What is not measured for so long says nothing any more. */
const UNMEASURED_MS = 15 * MINUTE_MS
/** A part may be down so long: it is being started. */
const DOWN_MS = MINUTE_MS / 2
/** An instance that saw something and says nothing any more for so long is gone. */
const UNHEARD_MS = 90 * MINUTE_MS
/** Others are judged by whoever has listened for so long. */
const LISTENED_MS = 10 * MINUTE_MS

export function createSightings(alerts: Alerts, instance: string, now: () => number): Sightings {
  const beganAt = now()
  /** Since when each name is in a state. */
  const since = new Map<string, { state: string; at: number; goodAt: number }>()
  const lasts = (name: string, state: string): { ms: number; goodAt: number } => {
    const known = since.get(name)
    if (known?.state !== state) since.set(name, { state, at: now(), goodAt: known?.goodAt ?? now() })
    const { at, goodAt } = since.get(name) as { at: number; goodAt: number }
    return { ms: now() - at, goodAt }
  }
  const endIndicator = ({ name, state }: Indicator): void => {
    const { ms } = lasts(name, state)
    const known = since.get(name)
    if (state === 'OK' && known !== undefined) known.goodAt = now()
    if (state === 'OK' && ms >= WELL_MS) alerts.recover(name, 'it is back before its lines')
    if (state === 'UNKNOWN' && ms >= UNMEASURED_MS) alerts.recover(name, 'it is not measured any more')
  }
  const seeComponent = ({ name, state, detail }: SeenComponent): void => {
    const alert = downName(name)
    const isDown = state === 'DOWN'
    const { ms } = lasts(alert, String(isDown))
    if (ms < DOWN_MS) return
    if (isDown) {
      const { severity } = COMPONENTS[name]
      alerts.raise({ name: alert, severity, text: `${name} is down: ${detail}`, since: now() - ms })
    } else alerts.recover(alert, `${name} is ${state}`)
  }
  const seeGuard = ({ tripped, at = 0, by, reason }: NonNullable<Seen['guard']>): void => {
    if (!tripped) return alerts.recover(GUARD_TRIPPED, 'the guard was reset', '*')
    // of this trip there may be one that was closed by those who heard of its end sooner
    if (alerts.all().some(({ name, startedAt }) => name === GUARD_TRIPPED && startedAt >= at)) return
    const text = `everybody is on the files, by ${by}: ${reason}`
    alerts.raise({ name: GUARD_TRIPPED, severity: 'CRITICAL', text, since: at, isShared: true })
  }
  const endUnheard = (): void => {
    if (now() - beganAt < LISTENED_MS) return
    for (const { name, state, seenBy } of alerts.all())
      for (const [of, at] of state === 'CLOSED' ? [] : seenBy)
        if (of !== instance && of !== '*' && now() - at >= UNHEARD_MS)
          alerts.recover(name, `${of} was not heard of for ${UNHEARD_MS / MINUTE_MS} minutes`, of)
  }
  return {
    look({ indicators, components, guard }) {
      for (const one of indicators) {
        if (one.state === 'ALARM' || one.state === 'BREACHED') {
          const { goodAt } = lasts(one.name, one.state)
          alerts.raise(sightingOf(one, goodAt))
        } else endIndicator(one)
      }
      for (const one of components) seeComponent(one)
      if (guard !== undefined) seeGuard(guard)
      endUnheard()
    },
  }
}

/** It began after it was last seen to be well: nobody knows it more exactly. */
function sightingOf(indicator: Indicator, goodAt: number): Sighting {
  const { name, state, severity, value, unit, alarmLine, threshold } = indicator
  const line = state === 'BREACHED' ? `the threshold of ${threshold}` : `the alarm line of ${alarmLine}`
  return {
    name,
    severity: state === 'BREACHED' ? severity : 'MEDIUM',
    text: `${valueText(value ?? 0)} ${unit}, past ${line}`,
    since: goodAt,
  }
}
