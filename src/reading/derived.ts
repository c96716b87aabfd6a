import type { TokenAnswer } from '../domain/token-query.ts'

const kept = new WeakMap<TokenAnswer, Map<string, unknown>>()

/**
 * What follows from an answer, computed once for each answer and `key`. It goes when the answer goes from
 * memory. `key` must name everything that the result depends on besides the answer; nobody may change it.
 */
export function derived<T>(answer: TokenAnswer, key: string, compute: () => T): T {
  let results = kept.get(answer)
  if (results === undefined) {
    results = new Map()
    kept.set(answer, results)
  }
  if (!results.has(key)) results.set(key, compute())
  return results.get(key) as T
}
