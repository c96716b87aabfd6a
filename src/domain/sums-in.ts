import type { TokenAnswer } from './token-query.ts'

/** How much an answer tells: its sums, of a group, a model and a context tier each. */
export function sumsIn({ whole, byProject, byUser, bySession, bySlot }: TokenAnswer): number {
  let sums = whole.length
  for (const groups of [byProject, byUser, bySession, bySlot])
    for (const { usage } of groups ?? []) sums += usage.length
  return sums
}
