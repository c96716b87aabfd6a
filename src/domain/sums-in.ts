import type { TokenAnswer } from './token-query.ts'

/** How much an answer tells: its sums, of a group, a model and a context tier each. */
export function sumsIn({ whole, groups, sessions = [], sessionPages = {}, breakdowns = {} }: TokenAnswer): number {
  const cut = Object.values(breakdowns).flatMap(({ told, others }) => [told, others])
  let sums = whole.length
  for (const list of [...Object.values(groups), sessions, ...Object.values(sessionPages), ...cut])
    for (const { usage } of list) sums += usage.length
  return sums
}
