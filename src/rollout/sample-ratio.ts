import chiSquareCdf from '@stdlib/stats-base-dists-chisquare-cdf'

/** Whether as many users came into each arm as the flag would have. */
export interface SampleRatio {
  /** By chi-square; `null` where there are too few users, or no share is expected. */
  p: number | null
  isMismatch: boolean
}

/** Users that each arm must have, by the expected share, for chi-square to say anything. */
export const LEAST_USERS = 8
const ALARM_BELOW = 0.001
/** With very many users, what matters to nobody is significant. */
const LEAST_DEVIATION = 0.001

/** `share`: of users who are expected in the arm `database`. Users in both arms are in neither number. */
export function sampleRatio(users: { legacy: number; database: number }, share: number | null): SampleRatio {
  const all = users.legacy + users.database
  if (share === null || all * Math.min(share, 1 - share) < LEAST_USERS) return { p: null, isMismatch: false }
  const off = users.database - all * share
  const chiSquare = off ** 2 / (all * share) + off ** 2 / (all * (1 - share))
  const p = 1 - chiSquareCdf(chiSquare, 1)
  return { p, isMismatch: p < ALARM_BELOW && Math.abs(off) / all >= LEAST_DEVIATION }
}
