import type { Alerts } from './alerts.ts'
import type { Indicator } from './watch.ts'

// What the indicators came to, noted once a day by each instance: so that the weekly review can say what moved.

/** By name of the indicator; what was not measured is not there. */
export type Values = Readonly<Record<string, number>>

const DAY_MS = 86_400_000
/** What is measured sooner after a start says little: most indicators look back for five minutes. */
const SETTLED_MS = 600_000

/** An instance, and since when it runs. */
export interface Running {
  instance: string
  beganAt: number
}

/** Notes today's values, unless this instance has done so within a day. To be called again and again. */
export function noteDaily(
  alerts: Alerts,
  { instance, beganAt }: Running,
  now: number,
  indicators: readonly Indicator[],
): void {
  if (now - beganAt < SETTLED_MS) return
  const latest = alerts.noted('measured').findLast((one) => one.instance === instance)
  if (latest !== undefined && now - latest.at < DAY_MS) return
  const values = Object.fromEntries(indicators.flatMap(({ name, value }) => (value === null ? [] : [[name, value]])))
  if (Object.keys(values).length > 0) alerts.note('measured', { values })
}

/**
 * What this instance had noted by some moment: the last of it; where it is younger than that, the first that it noted.
 * `undefined`: nothing so far.
 */
export function valuesAt(
  alerts: Pick<Alerts, 'noted'>,
  instance: string,
  moment: number,
): { at: number; values: Values } | undefined {
  const own = alerts.noted('measured').filter((one) => one.instance === instance && one.values !== undefined)
  const found = own.findLast(({ at }) => at <= moment) ?? own[0]
  return found?.values && { at: found.at, values: found.values }
}
