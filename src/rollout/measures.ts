import { type Sample, sampleOf } from './confidence.ts'
import type { Figures } from './figures.ts'

/** What arms are compared by. */
export interface Measure {
  name: MeasureName
  /** A user's own: how much, of how many. */
  of: (figures: Readonly<Figures>) => { sum: number; count: number }
  /** Each of the counted is 0 or 1. */
  isShare: boolean
  /** By how much the database may be worse. */
  margin: number
  /** 1: more is worse; -1: less is. */
  worse: 1 | -1
  /** Whether it has a say in the verdict of the whole. */
  decides: boolean
  /** Where nothing of it was measured, though there were questions. */
  absent: string
}

/** An arm with fewer users has fewer hits for that alone: those of an arm share their answers. So hits decide nothing. */
export const MEASURES: readonly Measure[] = [
  {
    name: 'errorRate',
    of: ({ errors, questions }) => ({ sum: errors, count: questions }),
    isShare: true,
    margin: 0.01,
    worse: 1,
    decides: true,
    absent: 'nobody asked yet',
  },
  {
    name: 'fallbackRate',
    of: ({ fallbacks, questions }) => ({ sum: fallbacks, count: questions }),
    isShare: true,
    margin: 0.01,
    worse: 1,
    decides: true,
    absent: 'nobody asked yet',
  },
  {
    name: 'mismatchRate',
    of: ({ mismatches, comparisons }) => ({ sum: mismatches, count: comparisons }),
    isShare: true,
    margin: 0.01,
    worse: 1,
    decides: true,
    absent: 'nothing was compared: shadow_reads_enabled says what is',
  },
  {
    name: 'logLatency',
    of: ({ logMs, computed }) => ({ sum: logMs, count: computed }),
    isShare: false,
    margin: Math.log(1.1),
    worse: 1,
    decides: true,
    absent: 'all answers came from the cache',
  },
  {
    name: 'cacheHitRate',
    of: ({ cacheHits, questions, errors }) => ({ sum: cacheHits, count: questions - errors }),
    isShare: true,
    margin: 0.1,
    worse: -1,
    decides: false,
    absent: 'nobody asked yet',
  },
]

export type MeasureName = 'errorRate' | 'fallbackRate' | 'mismatchRate' | 'logLatency' | 'cacheHitRate'

export const measureNamed = (name: MeasureName): Measure => MEASURES.find((one) => one.name === name) as Measure

/** What the users of an arm have of a measure. */
export interface Measured extends Sample {
  /** Of what was counted, how much there is: questions, or answers. */
  count: number
  /** As it would be, were everything as it is and so many times as much. */
  times(more: number): Sample
}

/** Each user counts once, however much they asked. */
export function measured(users: Iterable<Readonly<Figures>>, { of, isShare }: Measure): Measured {
  const values: number[] = []
  let [sums, counts, inverse] = [0, 0, 0]
  for (const figures of users) {
    const { sum, count } = of(figures)
    if (count <= 0) continue
    values.push(sum / count)
    sums += sum
    counts += count
    inverse += 1 / count
  }
  const sample = sampleOf(values)
  const times = (more: number): Sample => {
    const variance = sample.variance / more
    const projected = { users: sample.users * more, mean: sample.mean, variance }
    if (!isShare) return projected
    // what has not happened may happen all the same: by Laplace's rule
    const share = (more * sums + 1) / (more * counts + 2)
    const floor = (share * (1 - share) * inverse) / values.length ** 2 / more
    return { ...projected, variance: Math.max(variance || 0, floor) }
  }
  return { ...times(1), count: counts, times }
}
