/** How often something took how long. */
export interface Histogram {
  /** Upper ends of the ranges, ascending; one more range is above them. */
  readonly bounds: readonly number[]
  /** In each range alone. */
  readonly counts: number[]
  count: number
  sum: number
}

/** Of what takes milliseconds to seconds. */
export const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

export const newHistogram = (bounds: readonly number[]): Histogram => ({
  bounds,
  counts: new Array<number>(bounds.length + 1).fill(0),
  count: 0,
  sum: 0,
})

export function observe(histogram: Histogram, value: number): void {
  const { bounds, counts } = histogram
  let range = 0
  while (range < bounds.length && value > (bounds[range] as number)) range++
  counts[range] = (counts[range] as number) + 1
  histogram.count++
  histogram.sum += value
}
