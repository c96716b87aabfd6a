import { IDENTITY_BYTES } from '../../domain/identity.ts'
import { NONE } from './known-file.ts'
import { type Columns, LIVE } from './record-columns.ts'

const WORDS = IDENTITY_BYTES / 4

/** The live rows by identity: lists of rows that may have the same one, which go on in `Columns.bucketNext`. */
export class IdentityBuckets {
  readonly #columns: Columns
  /** First row of each list, or -1. */
  #heads = new Int32Array(1024).fill(NONE)

  constructor(columns: Columns) {
    this.#columns = columns
  }

  /** The first row of the list in which an identity is: that of `words` from `at` on. */
  head(words: Uint32Array, at: number): number {
    return this.#heads[this.#bucketOf(words, at)] as number
  }

  /** The first row of the list in which the identity of a row is. */
  headOf(row: number): number {
    return this.head(this.#columns.identity, row * WORDS)
  }

  /** The rows with an identity: the words of its 16 bytes. */
  *rowsWith(identity: Uint32Array): Iterable<number> {
    const c = this.#columns
    for (let row = this.head(identity, 0); row !== NONE; row = c.bucketNext[row] as number)
      if (c.hasIdentity(row, identity, 0)) yield row
  }

  add(row: number): void {
    const { identity, bucketNext } = this.#columns
    const bucket = this.#bucketOf(identity, row * WORDS)
    bucketNext[row] = this.#heads[bucket] as number
    this.#heads[bucket] = row
  }

  remove(row: number): void {
    const { identity, bucketNext } = this.#columns
    const bucket = this.#bucketOf(identity, row * WORDS)
    const next = bucketNext[row] as number
    if (this.#heads[bucket] === row) {
      this.#heads[bucket] = next
      return
    }
    let before = this.#heads[bucket] as number
    while (bucketNext[before] !== row) before = bucketNext[before] as number
    bucketNext[before] = next
  }

  /** Grows, so that lists stay short with so many rows. */
  reserve(rows: number): void {
    if (rows <= this.#heads.length) return
    let { length } = this.#heads
    while (length < rows) length *= 2
    this.#heads = new Int32Array(length).fill(NONE)
    const { flags, length: used } = this.#columns
    for (let row = 0; row < used; row++) if (((flags[row] as number) & LIVE) !== 0) this.add(row)
  }

  /** Identities are hashes already: their first word is as good as any. */
  #bucketOf(words: Uint32Array, at: number): number {
    return (words[at] as number) & (this.#heads.length - 1)
  }
}
