import { CONTEXT_TIERS, type UsageSums } from '../domain/token-query.ts'
import type { Columns } from './record-columns.ts'

const TIERS = CONTEXT_TIERS.length + 1
/** Sums per entry: the five counts and the number of records. */
const WIDTH = 6
/** A sum is moved into a bigint before it could pass 2^53: one record adds at most 10^12. */
const SPILL_AT = 2 ** 52
const NONE = -1
/** More than there can be entries: rows are fewer. */
const MAX_ENTRIES = 2 ** 26

// which entries meet in the table is nobody's to choose: whoever sends records does not know these
const [SEED_A, SEED_B] = crypto.getRandomValues(new Int32Array(2)) as unknown as [number, number]

/** Exact sums for each (group, model, tier). Groups and models are numbers that fit 32 bits. */
export class SumTable {
  /** Number of entries. */
  size = 0
  /** Open addressing: the entry at each hash, or -1. */
  #places = new Int32Array(128).fill(NONE)
  #groups = new Int32Array(64)
  /** Model and tier as one number. */
  #kinds = new Float64Array(64)
  #sums = new Float64Array(64 * WIDTH)
  readonly #spilled = new Map<number, bigint>()
  #lastGroup = NONE
  #lastKind = NONE
  #lastEntry = 0

  add(group: number, model: number, tier: number, columns: Columns, row: number): void {
    const kind = model * TIERS + tier
    // records of a session follow each other: most rows belong where the one before did
    if (kind !== this.#lastKind || group !== this.#lastGroup) {
      this.#lastGroup = group
      this.#lastKind = kind
      this.#lastEntry = this.#entryOf(group, kind)
    }
    const at = this.#lastEntry * WIDTH
    this.#sum(at, columns.input[row] as number)
    this.#sum(at + 1, columns.output[row] as number)
    this.#sum(at + 2, columns.cacheRead[row] as number)
    this.#sum(at + 3, columns.cacheCreation5m[row] as number)
    this.#sum(at + 4, columns.cacheCreation1h[row] as number)
    this.#sum(at + 5, 1)
  }

  /** All entries, in the order of `modelRanks` and tiers, so that nobody has to sort them. */
  entries(modelRanks: ArrayLike<number>): Uint32Array {
    const keys = Float64Array.from({ length: this.size }, (_, entry) => {
      const kind = this.#kinds[entry] as number
      return ((modelRanks[Math.floor(kind / TIERS)] as number) * TIERS + (kind % TIERS)) * MAX_ENTRIES + entry
    })
    return Uint32Array.from(keys.sort(), (key) => key % MAX_ENTRIES)
  }

  groupOf(entry: number): number {
    return this.#groups[entry] as number
  }

  read(entry: number, models: readonly string[]): UsageSums {
    const at = entry * WIDTH
    const kind = this.#kinds[entry] as number
    const sum = (i: number): bigint => BigInt(this.#sums[at + i] as number) + (this.#spilled.get(at + i) ?? 0n)
    return {
      model: models[Math.floor(kind / TIERS)] as string,
      tier: kind % TIERS,
      input: sum(0),
      output: sum(1),
      cacheRead: sum(2),
      cacheCreation5m: sum(3),
      cacheCreation1h: sum(4),
      records: sum(5),
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
    this.#groups = copyInto(new Int32Array(length / 2), this.#groups)
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

function copyInto<T extends Int32Array | Float64Array>(larger: T, array: T): T {
  larger.set(array)
  return larger
}
