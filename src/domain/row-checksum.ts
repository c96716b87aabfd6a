/** The whole numbers of a record that a checksum covers, in this order; texts are covered by grouping by them. */
export interface ChecksumRow {
  position: number
  /** Milliseconds since 1970. */
  time: number
  input: number
  output: number
  cacheRead: number
  cacheCreation5m: number
  cacheCreation1h: number
  offset: number
}

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
  hash = mixWhole(hash, row.position)
  hash = mixWhole(hash, row.time)
  hash = mixWhole(hash, row.input)
  hash = mixWhole(hash, row.output)
  hash = mixWhole(hash, row.cacheRead)
  hash = mixWhole(hash, row.cacheCreation5m)
  hash = mixWhole(hash, row.cacheCreation1h)
  return mixWhole(hash, row.offset)
}

const mix = (hash: number, word: number): number => Math.imul(hash ^ word, CHECKSUM_FACTOR) >>> 0
const mixWhole = (hash: number, value: number): number => mix(mix(hash, value % TWO_32), Math.floor(value / TWO_32))
