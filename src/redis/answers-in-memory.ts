import { LRUCache } from 'lru-cache'

/** Of all bytes, for entries that were put in and not asked for since. */
const ONCE_SHARE = 1 / 4
/** An entry that takes a larger share of the memory is not kept: it would drive out all others. */
const MAX_SHARE = 1 / 4

/**
 * Entries up to a number of bytes, of which those go first that nobody came back for. So a flood of questions, none of
 * which is asked twice, takes a share of the memory alone, and drives out nothing that is asked again and again.
 */
export class AnswersInMemory<Entry extends object> extends LRUCache<string, Entry> {
  readonly #once: LRUCache<string, Entry>

  constructor(maxBytes: number, sizeCalculation: (entry: Entry, key: string) => number) {
    const maxEntrySize = Math.ceil(maxBytes * MAX_SHARE)
    const once = Math.ceil(maxBytes * ONCE_SHARE)
    super({ maxSize: Math.max(1, maxBytes - once), maxEntrySize, sizeCalculation })
    this.#once = new LRUCache({ maxSize: once, maxEntrySize, sizeCalculation })
  }

  bytes(): number {
    return this.calculatedSize + this.#once.calculatedSize
  }

  override get(key: string): Entry | undefined {
    const known = super.get(key)
    if (known !== undefined) return known
    const first = this.#once.get(key)
    if (first === undefined) return undefined
    const left = this.#once.getRemainingTTL(key)
    this.#once.delete(key)
    super.set(key, first, Number.isFinite(left) ? { ttl: left } : {})
    return first
  }

  override set(key: string, entry: Entry, options?: LRUCache.SetOptions<string, Entry, unknown>): this {
    if (this.has(key)) super.set(key, entry, options)
    else this.#once.set(key, entry, options)
    return this
  }

  override delete(key: string): boolean {
    return [super.delete(key), this.#once.delete(key)].includes(true)
  }
}
