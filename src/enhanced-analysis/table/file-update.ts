import { hash } from 'node:crypto'
import { IDENTITY_BYTES } from '../../domain/identity.ts'
import { eachOwnText, OWN_TEXTS, type OwnText } from '../../domain/record-fields.ts'
import type { RefusalReason } from '../../domain/refusal.ts'
import { type CountField, eachCount, TOKEN_COUNTS } from '../../domain/token-counts.ts'
import type { Origin } from '../../domain/token-record.ts'
import type { FoundTitle } from '../../transcripts/title.ts'
import type { TokenCopy } from '../../transcripts/token-copy.ts'

/** Refused lines of one reason: how many, and the offsets of the first hundred. */
export interface Refused {
  count: number
  offsets: number[]
}

export type RefusedByReason = Partial<Record<RefusalReason, Refused>>

/** A hash of the bytes that a file had around the counted part: it tells growth from replacement. */
export interface Fingerprint {
  /** Counted bytes when it was taken. */
  counted: number
  /** SHA-256 of the first and the last 4 KiB of the counted bytes. */
  sha256: string
}

/**
 * What reading a byte range of one transcript adds: the range's winners, one a identity, and its
 * counts. The last `tail.records` records and `tail.refused` come from a last line without a line
 * feed: they count, but only until the file is read again from `to`.
 */
export interface FileUpdateHeader {
  /** `device:inode`: what names a transcript on this disk, through renames. */
  key: string
  path: string
  /** Path of its root. */
  root: string
  /** Path under the root. */
  relativePath: string
  /** Size of the file, and when it was modified, when it was opened: a file that still has both is not read again. */
  size: number
  modifiedNs: string
  /** First byte read. 0 replaces all that was known of the file. */
  from: number
  /** One past the last byte counted: the start of an unfinished or unterminated line. */
  to: number
  /** Another update follows from the same reading. */
  more?: true
  fingerprint: Fingerprint
  /** Record copies in the range, winners or not, without those of the tail. */
  copies: number
  refused: RefusedByReason
  tail: { copies: number; records: number; refused: RefusedByReason; titles?: readonly FoundTitle[] | undefined }
  /** Titles of sessions that lines of the range tell; absent: none. */
  titles?: readonly FoundTitle[] | undefined
  /** By which a summary may name the session of this file: the id of its last line. */
  leaf?: string | undefined
  /** Some record takes its session from the file's stem. */
  usesStem: boolean
  /** Dictionaries of the columns of texts. */
  texts: Record<OwnText, string[]>
  /** Of a segment of the journal: the dictionary of the column `origin`. Never in the index on disk. */
  origins?: Origin[]
  /** Of a segment of the journal: bytes of the range that cannot be read, the first and one past the last. */
  unreadable?: readonly [number, number]
}

/** Records as columns: `n` values each, identities of `IDENTITY_BYTES` bytes. */
export interface RecordColumns extends Record<CountField | OwnText, ArrayLike<number>> {
  length: number
  identity: Uint8Array
  time: ArrayLike<number>
  offset: ArrayLike<number>
  sidechain: Uint8Array
  /** Of a segment of the journal alone. */
  origin?: ArrayLike<number>
  rankOffset?: ArrayLike<number>
  stamp?: ArrayLike<number>
}

export interface FileUpdate {
  header: FileUpdateHeader
  records: RecordColumns
}

/** In the order in which they are written. An index says which they are: with others it is counted anew. */
export const NUMBER_COLUMNS = ['time', 'offset', ...TOKEN_COUNTS, ...OWN_TEXTS] as const

const digest = (identity: string): Buffer => hash('sha256', identity, 'buffer')

const align8 = (n: number): number => (n + 7) & ~7

type ColumnCopy = Omit<TokenCopy, 'total'>

/** The columns of some copies, with the dictionaries of their texts. `digestOf` gives an identity's bytes. */
export function columnsOf(
  copies: readonly ColumnCopy[],
  digestOf = digest,
): {
  texts: Record<OwnText, string[]>
  records: RecordColumns
} {
  const dictionaries = eachOwnText(() => new Map<string, number>())
  const identity = Buffer.alloc(IDENTITY_BYTES * copies.length)
  copies.forEach((copy, i) => {
    digestOf(copy.identity).copy(identity, i * IDENTITY_BYTES, 0, IDENTITY_BYTES)
  })
  const numbers = () => new Float64Array(copies.length)
  const columns = {
    time: numbers(),
    offset: numbers(),
    ...eachCount(numbers),
    ...eachOwnText(() => new Uint32Array(copies.length)),
    sidechain: new Uint8Array(copies.length),
  }
  copies.forEach((copy, i) => {
    columns.time[i] = copy.time
    columns.offset[i] = copy.offset
    for (const field of TOKEN_COUNTS) columns[field][i] = copy[field]
    for (const field of OWN_TEXTS) columns[field][i] = indexIn(dictionaries[field], copy[field])
    columns.sidechain[i] = copy.sidechain ? 1 : 0
  })
  const records: RecordColumns = { length: copies.length, identity, ...columns }
  return { texts: eachOwnText((field) => [...dictionaries[field].keys()]), records }
}

/**
 * Writes an update as bytes: what a worker hands over is what the index keeps.
 * Layout, little-endian, each part aligned to 8 bytes: u32 length of the JSON, u32 number of records,
 * JSON of the header and of each column's width (4 or 8 bytes a value), then the columns.
 */
export function encodeFileUpdate(header: FileUpdateHeader, records: RecordColumns): ArrayBuffer {
  const { length } = records
  const widths = NUMBER_COLUMNS.map((name) => widthOf(records[name]))
  const json = Buffer.from(JSON.stringify({ header, widths }))
  const columnsAt = align8(8 + json.length)
  const columnBytes = widths.reduce((sum, width) => sum + align8(width * length), 0)
  const buffer = new ArrayBuffer(columnsAt + columnBytes + IDENTITY_BYTES * length + align8(length))
  new Uint32Array(buffer, 0, 2).set([json.length, length])
  new Uint8Array(buffer).set(json, 8)
  let at = columnsAt
  NUMBER_COLUMNS.forEach((name, i) => {
    const width = widths[i] as number
    const column = width === 4 ? new Uint32Array(buffer, at, length) : new Float64Array(buffer, at, length)
    column.set(records[name])
    at += align8(width * length)
  })
  new Uint8Array(buffer, at).set(records.identity)
  new Uint8Array(buffer, at + IDENTITY_BYTES * length).set(records.sidechain)
  return buffer
}

/** Bytes that each value of a column needs: 4, or 8 where one does not fit. */
function widthOf(column: ArrayLike<number>): number {
  for (let i = 0; i < column.length; i++) if ((column[i] as number) > 0xffffffff) return 8
  return 4
}

/** Reads what `encodeFileUpdate` wrote, as views on `buffer` from `start`, a multiple of 8. */
export function decodeFileUpdate(buffer: ArrayBuffer, start = 0): FileUpdate {
  const [jsonLength, length] = new Uint32Array(buffer, start, 2) as unknown as [number, number]
  const { header, widths } = JSON.parse(Buffer.from(buffer, start + 8, jsonLength).toString('utf8')) as {
    header: FileUpdateHeader
    widths: number[]
  }
  let at = start + align8(8 + jsonLength)
  const columns = {} as Record<(typeof NUMBER_COLUMNS)[number], ArrayLike<number>>
  NUMBER_COLUMNS.forEach((name, i) => {
    columns[name] = widths[i] === 4 ? new Uint32Array(buffer, at, length) : new Float64Array(buffer, at, length)
    at += align8((widths[i] as number) * length)
  })
  const identity = new Uint8Array(buffer, at, IDENTITY_BYTES * length)
  const sidechain = new Uint8Array(buffer, at + IDENTITY_BYTES * length, length)
  return { header, records: { length, identity, sidechain, ...columns } }
}

function indexIn(dictionary: Map<string, number>, text: string): number {
  let index = dictionary.get(text)
  if (index === undefined) {
    index = dictionary.size
    dictionary.set(text, index)
  }
  return index
}
