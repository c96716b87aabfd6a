import { WHOLE_FIELDS, type WholeField } from './record-fields.ts'

/** The whole numbers of a record, which a checksum covers; texts are covered by grouping by them. */
export type ChecksumRow = Readonly<Record<WholeField, number>>

export const CHECKSUM_SEED = 0x9e3779b9
export const CHECKSUM_FACTOR = 2654435761
const TWO_32 = 2 ** 32

/**
 * 32 bits over an identity (its four big-endian words) and the numbers of its record: each word of 32 bits, low before
 * high, is mixed in by xor and a multiplication. ClickHouse computes the same in SQL; sums modulo 2^32 compare many rows.
 */
export function rowChecksum(words: readonly [number, number, number, number], row: ChecksumRow): number {
  let hash = CHECKSUM_SEED
  for (const word of words) hash = mix(hash, word)
  for (const field of WHOLE_FIELDS) hash = mixWhole(hash, row[field])
  return hash
}

const mix = (hash: number, word: number): number => Math.imul(hash ^ word, CHECKSUM_FACTOR) >>> 0
const mixWhole = (hash: number, value: number): number => mix(mix(hash, value % TWO_32), Math.floor(value / TWO_32))
