import { CONTEXT_TIERS, type UsageSums } from '../domain/token-query.ts'
import type { Columns } from './record-columns.ts'

const TIERS = CONTEXT_TIERS.length + 1
/** More than there can be models; a key stays below 2^53 for 19 million groups. */
const MODELS = 2 ** 26
/** Sums per entry: the five counts and the number of records. */
const WIDTH = 6
/** A sum is moved into a bigint before it could pass 2^53: one record adds at most 10^12. */
const SPILL_AT = 2 ** 52

/** Exact sums for each (group, model, tier). */
export class SumTable {
  readonly #entries = new Map<number, number>()
  readonly #spilled = new Map<number, bigint>()
  #sums = new Float64Array(64 * WIDTH)
  #lastKey = -1
  #lastEntry = 0

  add(group: number, model: number, tier: number, columns: Columns, row: number): void {
    const key = (group * MODELS + model) * TIERS + tier
    // records of a session follow each other: most rows belong where the one before did
    if (key !== this.#lastKey) {
      this.#lastKey = key
      this.#lastEntry = this.#entryOf(key)
    }
    const at = this.#lastEntry * WIDTH
    this.#sum(at, columns.input[row] as number)
    this.#sum(at + 1, columns.output[row] as number)
    this.#sum(at + 2, columns.cacheRead[row] as number)
    this.#sum(at + 3, columns.cacheCreation5m[row] as number)
    this.#sum(at + 4, columns.cacheCreation1h[row] as number)
    this.#sum(at + 5, 1)
  }

  /** Keys of all entries, to be read with `read`. */
  entries(): Iterable<number> {
    return this.#entries.keys()
  }

  /** The entries of each group. */
  groups(): Map<number, number[]> {
    const groups = new Map<number, number[]>()
    for (const key of this.#entries.keys()) {
      const group = Math.floor(key / TIERS / MODELS)
      const entries = groups.get(group)
      if (entries === undefined) groups.set(group, [key])
      else entries.push(key)
    }
    return groups
  }

  read(key: number, models: readonly string[]): UsageSums {
    const at = (this.#entries.get(key) as number) * WIDTH
    const sum = (i: number): bigint => BigInt(this.#sums[at + i] as number) + (this.#spilled.get(at + i) ?? 0n)
    return {
      model: models[Math.floor(key / TIERS) % MODELS] as string,
      tier: key % TIERS,
      input: sum(0),
      output: sum(1),
      cacheRead: sum(2),
      cacheCreation5m: sum(3),
      cacheCreation1h: sum(4),
      records: sum(5),
    }
  }

  #entryOf(key: number): number {
    let entry = this.#entries.get(key)
    if (entry === undefined) {
      entry = this.#entries.size
      this.#entries.set(key, entry)
      if ((entry + 1) * WIDTH > this.#sums.length) {
        const larger = new Float64Array(this.#sums.length * 2)
        larger.set(this.#sums)
        this.#sums = larger
      }
    }
    return entry
  }

  #sum(at: number, value: number): void {
    const sum = (this.#sums[at] as number) + value
    if (sum < SPILL_AT) this.#sums[at] = sum
    else {
      this.#spilled.set(at, (this.#spilled.get(at) ?? 0n) + BigInt(sum))
      this.#sums[at] = 0
    }
  }
}
