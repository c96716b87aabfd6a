import type { TokenAnswer } from './token-query.ts'

/** How much an answer tells: its sums, of a group, a model and a context tier each. */
export function sumsIn({ whole, groups, sessions = [] }: TokenAnswer): number {
  let sums = whole.length
  for (const list of [...Object.values(groups), sessions]) for (const { usage } of list) sums += usage.length
  return sums
}
