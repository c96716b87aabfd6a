import type { Metric, Registry } from 'prom-client'
import type { Histogram } from './histogram.ts'

export type Labels = Readonly<Record<string, string>>

/** A figure with a name, one value for each set of labels, as it is at this moment. Read by Prometheus and by others. */
export type Family = { name: string; help: string; labelNames: readonly string[] } & (
  | { type: 'counter' | 'gauge'; values: () => Iterable<readonly [Labels, number]> }
  | { type: 'histogram'; values: () => Iterable<readonly [Labels, Histogram]> }
)

/** One value without labels; none where it is not known. */
export const alone = (value: number | null | undefined): [Labels, number][] =>
  value === null || value === undefined ? [] : [[{}, value]]

export const yesOrNo = (value: boolean): number => (value ? 1 : 0)

/** One for each state that there can be, 1 for the one that is. */
export const oneOf = <State extends string>(states: readonly State[], now: State, labels: Labels = {}) =>
  states.map((state): [Labels, number] => [{ ...labels, state }, yesOrNo(state === now)])

interface Line {
  metricName: string
  labels: Readonly<Record<string, string | number>>
  value: number
}

/** Has the registry read the figures when it is asked for them: the library keeps nothing of them itself. */
export function registerFamilies(registry: Registry, families: readonly Family[]): void {
  for (const family of families) {
    const { name, help, type, labelNames } = family
    const get = async () => ({ name, help, type, values: linesOf(family), aggregator: 'sum' })
    registry.registerMetric({ name, help, type, labelNames, get } as unknown as Metric)
  }
}

function linesOf(family: Family): Line[] {
  const { name } = family
  if (family.type === 'histogram')
    return [...family.values()].flatMap(([labels, histogram]) => histogramLines(name, labels, histogram))
  return Array.from(family.values(), ([labels, value]) => ({ metricName: name, labels, value }))
}

function histogramLines(name: string, labels: Labels, { bounds, counts, count, sum }: Histogram): Line[] {
  let below = 0
  const buckets = bounds.map((le, range): Line => {
    below += counts[range] as number
    return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: below }
  })
  return [
    ...buckets,
    { metricName: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: count },
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: count },
  ]
}
