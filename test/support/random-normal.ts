import type { Random } from '../../corpus/random.ts'

/** One draw of the standard normal distribution (Box and Muller). */
export const normal = (random: Random): number =>
  Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next())

/** One draw of the exponential distribution with mean 1. */
export const exponential = (random: Random): number => -Math.log(1 - random.next())
