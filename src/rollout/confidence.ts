import normalCdf from '@stdlib/stats-base-dists-normal-cdf'
import tQuantile from '@stdlib/stats-base-dists-t-quantile'

// Intervals that stay valid however often one looks: asymptotic confidence sequences (Waudby-Smith et al.,
// arXiv 2103.06476), for a difference of means of two arms.

/** What users of an arm have of a measure: each user is one value. */
export interface Sample {
  users: number
  mean: number
  /** Of the mean: the variance among users over their number. */
  variance: number
}

/** The mean of users, and how sure it is. */
export function sampleOf(values: readonly number[]): Sample {
  const users = values.length
  const mean = values.reduce((sum, value) => sum + value, 0) / users
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return { users, mean, variance: squares / (users - 1) / users }
}

/**
 * Equation 9, by how many standard errors the interval reaches. `scale`: the difference that one would find soonest; it
 * must not follow from the data. `scale² / variance` is the n ρ² of the paper, where `variance` is σ² / n: it grows with
 * everything that makes the mean surer, more users or more questions of the same.
 */
export function standardErrors(variance: number, scale: number, alpha: number): number {
  const information = scale ** 2 / variance
  return Math.sqrt((2 * (information + 1) * Math.log(Math.sqrt(information + 1) / alpha)) / information)
}

/** Equation 161: the ρ with which the interval is narrowest at n values. */
export const rhoFor = (n: number, alpha: number): number =>
  Math.sqrt((-2 * Math.log(alpha) + Math.log(-2 * Math.log(alpha) + 1)) / n)

export interface Interval {
  difference: number
  /** How far it reaches to both sides. */
  halfWidth: number
}

/** No variance is none: what was equal so far is not known to be equal. */
const LEAST_VARIANCE = 1e-12

/** Of b minus a. Few users say less of how much they differ (Student's t, with the degrees of freedom of Welch). */
export function intervalOf(a: Sample, b: Sample, scale: number, alpha: number): Interval {
  const variance = Math.max(a.variance + b.variance, LEAST_VARIANCE)
  const freedom = variance ** 2 / (a.variance ** 2 / (a.users - 1) + b.variance ** 2 / (b.users - 1))
  const normal = standardErrors(variance, scale, alpha)
  const errors = Number.isFinite(freedom) ? -tQuantile(normalCdf(-normal, 0, 1), freedom) : normal
  return { difference: b.mean - a.mean, halfWidth: Math.max(normal, errors) * Math.sqrt(variance) }
}
