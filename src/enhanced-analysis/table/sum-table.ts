import { type EveryCount, SUMS, type SumField } from '../../domain/token-counts.ts'
import { CONTEXT_TIERS, type UsageSums } from '../../domain/token-query.ts'
import type { Columns } from './record-columns.ts'

const TIERS = CONTEXT_TIERS.length + 1
/** Sums per entry, and the place of each. */
const WIDTH = SUMS.length
const PLACE = Object.fromEntries(SUMS.map((field, i) => [field, i])) as Record<SumField, number>
const RECORDS = PLACE.records
/** `add` runs for every record and grouping: it spells the counts out, in the order of `SUMS`. */
type Spelled = EveryCount<'input' | 'output' | 'cacheRead' | 'cacheCreation5m' | 'cacheCreation1h', Float64Array>
/** A sum is moved into a bigint before it could pass 2^53: what is added at once is at most 10^12 for each record of a run. */
const SPILL_AT = 2 ** 52
const MAX_RUN = 4000
const NONE = -1
/** More than there can be entries: rows are fewer. */
const MAX_ENTRIES = 2 ** 26

// which entries meet in the table is nobody's to choose: whoever sends records does not know these
const [SEED_A, SEED_B] = crypto.getRandomValues(new Int32Array(2)) as unknown as [number, number]

/** Model and tier as one number. */
export const kindOf = (model: number, tier: number): number => model * TIERS + tier

/** Exact sums for each (group, model, tier). Groups and models are numbers that fit 32 bits. */
export class SumTable {
  /** Number of entries. */
  size = 0
  /** Open addressing: the entry at each hash, or -1. */
  #places = new Int32Array(128).fill(NONE)
  #groups = new Uint32Array(64)
  #kinds = new Float64Array(64)
  #sums = new Float64Array(64 * WIDTH)
  readonly #spilled = new Map<number, bigint>()

  /** Adds the first `count` of `rows`; `groups` and `kinds` (`kindOf`) have one number for each of them. */
  add(rows: Uint32Array, groups: Uint32Array, kinds: Float64Array, count: number, columns: Columns): void {
    const { input, output, cacheRead, cacheCreation5m, cacheCreation1h }: Spelled = columns.counts
    let i = 0
    while (i < count) {
      const group = groups[i] as number
      const kind = kinds[i] as number
      const first = i
      let [a, b, c, d, e] = [0, 0, 0, 0, 0]
      // records of a session follow each other: most rows belong where the one before did
      do {
        const row = rows[i++] as number
        a += input[row] as number
        b += output[row] as number
        c += cacheRead[row] as number
        d += cacheCreation5m[row] as number
        e += cacheCreation1h[row] as number
      } while (i < count && i - first < MAX_RUN && groups[i] === group && kinds[i] === kind)
      const at = this.#entryOf(group, kind) * WIDTH
      this.#sum(at, a)
      this.#sum(at + 1, b)
      this.#sum(at + 2, c)
      this.#sum(at + 3, d)
      this.#sum(at + 4, e)
      this.#sum(at + RECORDS, i - first)
    }
  }

  /** All entries, in the order of `modelRanks` and tiers, so that nobody has to sort them. */
  entries(modelRanks: ArrayLike<number>): Uint32Array {
    const keys = new Float64Array(this.size)
    for (let entry = 0; entry < this.size; entry++) {
      const kind = this.#kinds[entry] as number
      const rank = modelRanks[Math.floor(kind / TIERS)] as number
      keys[entry] = (rank * TIERS + (kind % TIERS)) * MAX_ENTRIES + entry
    }
    keys.sort()
    const entries = new Uint32Array(this.size)
    for (let i = 0; i < entries.length; i++) entries[i] = (keys[i] as number) % MAX_ENTRIES
    return entries
  }

  groupOf(entry: number): number {
    return this.#groups[entry] as number
  }

  read(entry: number, models: readonly string[]): UsageSums {
    const at = entry * WIDTH
    const kind = this.#kinds[entry] as number
    const sum = (field: SumField): bigint => {
      const place = at + PLACE[field]
      return BigInt(this.#sums[place] as number) + (this.#spilled.get(place) ?? 0n)
    }
    return {
      model: models[Math.floor(kind / TIERS)] as string,
      tier: kind % TIERS,
      input: sum('input'),
      output: sum('output'),
      cacheRead: sum('cacheRead'),
      cacheCreation5m: sum('cacheCreation5m'),
      cacheCreation1h: sum('cacheCreation1h'),
      records: sum('records'),
    }
  }

  #entryOf(group: number, kind: number): number {
    for (let place = this.#placeOf(group, kind); ; place = (place + 1) & (this.#places.length - 1)) {
      const entry = this.#places[place] as number
      if (entry === NONE) return this.#addAt(place, group, kind)
      if (this.#groups[entry] === group && this.#kinds[entry] === kind) return entry
    }
  }

  #addAt(place: number, group: number, kind: number): number {
    const entry = this.size++
    this.#places[place] = entry
    this.#groups[entry] = group
    this.#kinds[entry] = kind
    // no more than half of the places are taken
    if (this.size * 2 >= this.#places.length) this.#grow()
    return entry
  }

  #grow(): void {
    const length = this.#places.length * 2
    this.#groups = copyInto(new Uint32Array(length / 2), this.#groups)
    this.#kinds = copyInto(new Float64Array(length / 2), this.#kinds)
    this.#sums = copyInto(new Float64Array((length / 2) * WIDTH), this.#sums)
    this.#places = new Int32Array(length).fill(NONE)
    for (let entry = 0; entry < this.size; entry++) {
      let place = this.#placeOf(this.#groups[entry] as number, this.#kinds[entry] as number)
      while (this.#places[place] !== NONE) place = (place + 1) & (length - 1)
      this.#places[place] = entry
    }
  }

  #placeOf(group: number, kind: number): number {
    let hash = Math.imul(group ^ SEED_A, 0x9e3779b1)
    hash = Math.imul(hash ^ (hash >>> 15) ^ kind ^ SEED_B, 0x85ebca77)
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae3d)
    return (hash ^ (hash >>> 16)) & (this.#places.length - 1)
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

function copyInto<T extends Uint32Array | Float64Array>(larger: T, array: T): T {
  larger.set(array)
  return larger
}
