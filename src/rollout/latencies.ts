// by this path, since the whole package brings a decoder that it finds by `eval`, which a bundle has no place for
import { constructorFromBucketSize } from 'hdr-histogram-js/dist/JsHistogramFactory.js'

const Counts = constructorFromBucketSize(32)
type Counts = InstanceType<typeof Counts>

/** How often it took how long, to 1 %; those of many instances and days add up. */
export interface Latencies {
  note(ms: number): void
  add(more: Latencies): void
  /** Milliseconds; `null` where nothing was noted. */
  quantile(share: number): number | null
  isEmpty(): boolean
  /** As it is journaled: microseconds, and how often, in turns. */
  numbers(): number[]
  counts: Counts
}

/** The shortest that is told apart, and so the least that there is. */
export const LEAST_MS = 0.001
const MOST = 3_600_000 / LEAST_MS

export const newLatencies = (): Latencies => around(new Counts(1, MOST, 2))

/** Without what no number is, and what no earlier release would have written. */
export function latenciesOf(numbers: readonly number[]): Latencies {
  const latencies = newLatencies()
  for (let i = 0; i + 1 < numbers.length; i += 2) {
    const [value = 0, count = 0] = numbers.slice(i, i + 2)
    if (isWithin(value, MOST) && isWithin(count, 2 ** 31 - 1)) latencies.counts.recordValueWithCount(value, count)
  }
  return latencies
}

const isWithin = (value: number, most: number): boolean => Number.isInteger(value) && value >= 1 && value <= most

const around = (counts: Counts): Latencies => ({
  counts,
  note: (ms) => counts.recordValue(Math.min(Math.max(Math.round(ms / LEAST_MS), 1), MOST)),
  add: (more) => counts.add(more.counts),
  quantile: (share) => (counts.totalCount === 0 ? null : counts.getValueAtPercentile(100 * share) * LEAST_MS),
  isEmpty: () => counts.totalCount === 0,
  numbers() {
    const numbers: number[] = []
    const values = counts.recordedValuesIterator
    values.reset()
    while (values.hasNext()) {
      const { valueIteratedTo, countAtValueIteratedTo } = values.next()
      numbers.push(valueIteratedTo, countAtValueIteratedTo)
    }
    return numbers
  },
})
