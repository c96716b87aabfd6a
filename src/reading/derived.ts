import { LRUCache } from 'lru-cache'
import { sizeOf } from '../domain/size-of.ts'
import type { TokenAnswer } from '../domain/token-query.ts'
import { createSharedTurns, type SharedTurns, type Turn } from '../turns/event-loop.ts'

/** What follows from answers, computed once for each answer and key. */
export interface Derived {
  /**
   * `key` must name everything that the result depends on besides the answer; nobody may change the result. It may be
   * computed again after a while. Whoever asks while it is computed waits for that, and it goes on in their turns, too:
   * else it would stand behind all that the first one asked.
   */
  of<T>(answer: TokenAnswer, key: string, caller: string, compute: (turn: Turn) => T | Promise<T>): T | Promise<T>
  /** About how much is kept. */
  bytes(): number
}

/** A result that takes a larger share of the memory is not kept. */
const MAX_SHARE = 1 / 4

/** Keeps results, those that were used lately, up to a number of bytes. */
export function createDerived(maxBytes: number): Derived {
  const kept = new LRUCache<string, { result: unknown }>({
    maxSize: maxBytes,
    maxEntrySize: Math.ceil(maxBytes * MAX_SHARE),
    sizeCalculation: ({ result }, key) => key.length + sizeOf(result) + 1,
  })
  const running = new Map<string, { result: Promise<unknown>; turns: SharedTurns }>()
  const ids = new WeakMap<TokenAnswer, number>()
  let lastId = 0

  const idOf = (answer: TokenAnswer): number => {
    const known = ids.get(answer)
    if (known !== undefined) return known
    ids.set(answer, ++lastId)
    return lastId
  }

  return {
    of<T>(answer: TokenAnswer, key: string, caller: string, compute: (turn: Turn) => T | Promise<T>): T | Promise<T> {
      const name = `${idOf(answer)} ${key}`
      const known = kept.get(name)
      if (known !== undefined) return known.result as T
      const computing = running.get(name)
      if (computing !== undefined) {
        computing.turns.join(caller)
        return computing.result as Promise<T>
      }
      const turns = createSharedTurns(caller)
      const result = compute(turns.turn)
      if (!(result instanceof Promise)) {
        kept.set(name, { result })
        return result
      }
      const keeping = result
        .then((settled) => {
          kept.set(name, { result: settled })
          return settled
        })
        .finally(() => running.delete(name))
      running.set(name, { result: keeping, turns })
      return keeping
    },
    bytes: () => kept.calculatedSize,
  }
}
