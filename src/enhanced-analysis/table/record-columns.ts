import { IDENTITY_BYTES } from '../../domain/identity.ts'
import { eachOwnText, type OwnText } from '../../domain/record-fields.ts'
import { type CountField, eachCount, PROMPT_COUNTS, TOKEN_COUNTS } from '../../domain/token-counts.ts'
import { contextTierOf } from '../../domain/token-query.ts'

const WORDS = IDENTITY_BYTES / 4

/** Bits of `flags`. */
export const LIVE = 1
export const WINS = 2
export const SIDECHAIN = 4
/** From a last line without a line feed: dropped when its file is read again. */
export const TAIL = 8

const MIN_ROWS = 64

/** Rows in typed arrays that grow by doubling: about 100 bytes a row, so that 10 million stay workable. */
export class Columns {
  /** Rows in use or free for reuse. */
  length = 0
  capacity = 0
  identity = new Uint32Array(0)
  time = new Float64Array(0)
  /** Place: byte offset of the line or frame. */
  offset = new Float64Array(0)
  /** Byte offset that ranks: another one than the place for records that were pushed from elsewhere. */
  rankOffset = new Float64Array(0)
  counts: Record<CountField, Float64Array> = eachCount(() => new Float64Array(0))
  /** The same in the order of `TOKEN_COUNTS`, for loops over many rows. */
  countList: readonly Float64Array[] = TOKEN_COUNTS.map((field) => this.counts[field])
  #promptColumns: readonly Float64Array[] = []
  /** `contextTierOf` its prompt: follows from the counts, and every question asks for it. */
  tier = new Uint8Array(0)
  /** Numbers of the texts in the table's dictionaries. */
  texts: Record<OwnText, Uint32Array> = eachOwnText(() => new Uint32Array(0))
  file = new Uint32Array(0)
  /** Number of its origin: project, user, host and path. */
  origin = new Uint32Array(0)
  /** Made with the first record that came by mutation, and only as long as there is need of it. */
  #stamps = new Float64Array(0)
  flags = new Uint8Array(0)
  /** Next row of the same bucket of the identity table, or -1. */
  bucketNext = new Int32Array(0)
  /** Next row of the same file, or -1; of the free list for a row that is not live. */
  fileNext = new Int32Array(0)

  reserve(rows: number): void {
    if (rows <= this.capacity) return
    const capacity = Math.max(MIN_ROWS, this.capacity * 2, rows)
    this.identity = grown(this.identity, capacity * WORDS)
    this.time = grown(this.time, capacity)
    this.offset = grown(this.offset, capacity)
    this.rankOffset = grown(this.rankOffset, capacity)
    this.counts = eachCount((field) => grown(this.counts[field], capacity))
    this.countList = TOKEN_COUNTS.map((field) => this.counts[field])
    this.#promptColumns = PROMPT_COUNTS.map((field) => this.counts[field])
    this.tier = grown(this.tier, capacity)
    this.texts = eachOwnText((field) => grown(this.texts[field], capacity))
    this.file = grown(this.file, capacity)
    this.origin = grown(this.origin, capacity)
    this.flags = grown(this.flags, capacity)
    this.bucketNext = grown(this.bucketNext, capacity)
    this.fileNext = grown(this.fileNext, capacity)
    this.capacity = capacity
  }

  /** What a row says of its record, but for its identity and its place in the table. */
  copyValues(from: number, to: number): void {
    const { time, offset, rankOffset, origin, countList, tier, texts } = this
    for (const column of [time, offset, rankOffset, origin, ...countList, tier, ...Object.values(texts)])
      column[to] = column[from] as number
    this.flags[to] = (this.flags[from] as number) & SIDECHAIN
  }

  /** Its counts were written. */
  noteTier(row: number): void {
    let prompt = 0
    for (const column of this.#promptColumns) prompt += column[row] as number
    this.tier[row] = contextTierOf(prompt)
  }

  /** Of a record that came by mutation. */
  stampOf(row: number): number {
    return this.#stamps[row] as number
  }

  setStamp(row: number, stamp: number): void {
    if (row >= this.#stamps.length) this.#stamps = grown(this.#stamps, this.capacity)
    this.#stamps[row] = stamp
  }

  total(row: number): number {
    let total = 0
    for (const column of this.countList) total += column[row] as number
    return total
  }

  countsOf(row: number): Record<CountField, number> {
    return eachCount((field) => this.counts[field][row] as number)
  }

  hasIdentity(row: number, words: Uint32Array, at: number): boolean {
    const { identity } = this
    const own = row * WORDS
    for (let i = 0; i < WORDS; i++) if (identity[own + i] !== words[at + i]) return false
    return true
  }

  sameIdentity(a: number, b: number): boolean {
    return this.hasIdentity(a, this.identity, b * WORDS)
  }
}

type TypedArray = Float64Array | Uint32Array | Int32Array | Uint8Array

function grown<T extends TypedArray>(array: T, length: number): T {
  const larger = new (array.constructor as new (length: number) => T)(length)
  larger.set(array as never)
  return larger
}
