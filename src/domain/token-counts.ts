/** The token counts of a record. Whatever adds up, writes, reads or compares counts goes by this list, in this order. */
export const TOKEN_COUNTS = ['input', 'output', 'cacheRead', 'cacheCreation5m', 'cacheCreation1h'] as const
export type CountField = (typeof TOKEN_COUNTS)[number]

/** Those that the prompt consists of (`contextTierOf`). */
export const PROMPT_COUNTS = TOKEN_COUNTS.filter((field) => field !== 'output')

/** What is summed of records. */
export const SUMS = [...TOKEN_COUNTS, 'records'] as const
export type SumField = (typeof SUMS)[number]

/** Something for each count. */
export function eachCount<T>(make: (field: CountField) => T): Record<CountField, T> {
  const made: Partial<Record<CountField, T>> = {}
  for (const field of TOKEN_COUNTS) made[field] = make(field)
  return made as Record<CountField, T>
}

/**
 * Something for each count, for code that spells them out because it runs for every record: where one of them is not
 * `Named`, nothing can be assigned to it, and the code does not compile.
 */
export type EveryCount<Named extends CountField, T> = [CountField] extends [Named]
  ? Readonly<Record<CountField, T>>
  : never

/** All tokens of a record (rule 3). */
export function totalOf({
  input,
  output,
  cacheRead,
  cacheCreation5m,
  cacheCreation1h,
}: EveryCount<'input' | 'output' | 'cacheRead' | 'cacheCreation5m' | 'cacheCreation1h', number>): number {
  return input + output + cacheRead + cacheCreation5m + cacheCreation1h
}

/** All tokens of some sums. */
export function totalOfSums({
  input,
  output,
  cacheRead,
  cacheCreation5m,
  cacheCreation1h,
}: EveryCount<'input' | 'output' | 'cacheRead' | 'cacheCreation5m' | 'cacheCreation1h', bigint>): bigint {
  return input + output + cacheRead + cacheCreation5m + cacheCreation1h
}
