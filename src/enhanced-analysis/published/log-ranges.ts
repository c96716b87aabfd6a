import { createHash } from 'node:crypto'
import { versionedDigest } from '../../domain/digest-version.ts'
import { IDENTITY_BYTES } from '../../domain/identity.ts'
import { eachOwnText } from '../../domain/record-fields.ts'
import { recordText, TEXT_VERSION } from '../../domain/record-text.ts'
import type { RecordCopy } from '../../domain/token-record.ts'
import type { CatalogueEntry, ContentDigest, LogRange, LogState } from '../../ports/logs.ts'
import { type KnownFile, mergeRefused, shippableTo } from '../table/known-file.ts'
import { SIDECHAIN, WINS } from '../table/record-columns.ts'
import type { RecordTable } from '../table/record-table.ts'

// What the records of a log are to whoever ships them: ranges of copies, digests, an entry of the catalogue.

/** Records in one insert (promise 1.2). */
const MAX_BATCH_RECORDS = 1000
/** Bytes of a beginning, by which a log is looked for under another name; a shorter one is not. */
const HEAD_BYTES = [1024, 256]

interface NextRange {
  /** Bytes, half-open. */
  from: number
  to: number
  /** Of the log, what is published before `from`. */
  before: PublishedBefore
  maxRecords: number
}

/** How much of an edition is published; absent where nobody knows. */
export type PublishedBefore = Pick<LogState, 'records' | 'tokens'>

/** Gives the next records of a log, in the order of the log and in batches: at least those of one line. */
export function createRanges(table: RecordTable): (file: KnownFile, next: NextRange) => LogRange {
  /** Rows of each file in its order, for as long as the file is known. */
  const plans = new WeakMap<KnownFile, { version: number; rows: Uint32Array }>()

  const sorted = (file: KnownFile): Uint32Array => {
    const known = plans.get(file)
    if (known?.version === file.version) return known.rows
    const { offset } = table.columns
    const rows = Uint32Array.from(table.rowsOf(file)).sort((a, b) => (offset[a] as number) - (offset[b] as number))
    plans.set(file, { version: file.version, rows })
    return rows
  }

  return (file, { from, to, before, maxRecords }) => {
    const { offset, flags } = table.columns
    const rows = sorted(file)
    let at = lowerBound(rows, offset, from)
    const batches: RecordCopy[][] = []
    let winnerTokens = 0n
    let taken = 0
    let end = to
    for (; at < rows.length; at++) {
      const row = rows[at] as number
      const position = offset[row] as number
      if (position >= to) break
      if (file.setAside.has(position)) continue
      // records of one line stay together: the position of a log is the start of a line
      if (taken >= maxRecords && position !== offset[rows[at - 1] as number]) {
        end = position
        break
      }
      if (taken % MAX_BATCH_RECORDS === 0) batches.push([])
      batches.at(-1)?.push(copyOf(table, file, row))
      if (((flags[row] as number) & WINS) !== 0) winnerTokens += BigInt(table.columns.total(row))
      taken++
    }
    const { fingerprint } = file
    const state: LogState = { ...stateOf(file), publishedTo: end }
    const setAside = [...file.setAside].filter((position) => position < end)
    if (setAside.length > 0) state.setAside = setAside
    if (before.records !== undefined) state.records = before.records + taken
    if (before.tokens !== undefined) state.tokens = String(BigInt(before.tokens) + winnerTokens)
    const unreadable = unreadableBefore(file, end)
    if (unreadable.length > 0) state.unreadable = unreadable
    if (end > fingerprint.counted) state.tail = tailDigest(table, file, fingerprint.counted, end)
    return { state, from, batches, winnerTokens }
  }
}

/** How a log is registered, with nothing that is published. */
export function stateOf(file: KnownFile): LogState {
  const { log, edition, fingerprint, registeredAt } = file
  const { key, path, user, host } = log
  if (file.byMutation) return { key, edition, path, relativePath: '', fingerprint, publishedTo: 0 }
  const { relativePath, inode = file.key } = registeredAt
  return { key, path, user, host, edition, relativePath, inode, fingerprint, publishedTo: 0 }
}

/**
 * The state with its digests, as far as they are known; those that are not have no hash yet. `before` is what the ledger
 * knows of the log.
 */
export function withContent(state: LogState, file: KnownFile, before: LogState | undefined): LogState {
  const { fingerprint, publishedTo } = state
  const to = publishedTo === 0 ? fingerprint.counted : Math.min(publishedTo, fingerprint.counted)
  const digest = (bytes: number): ContentDigest => ({ to: bytes, sha256: file.digests.get(bytes) ?? '' })
  const headTo = HEAD_BYTES.find((bytes) => bytes <= to)
  const head = before?.head ?? (headTo === undefined ? undefined : digest(headTo))
  return { ...state, content: digest(to), ...(head === undefined ? {} : { head }) }
}

/** What cannot be read of a segment of the journal before a byte. */
export const unreadableBefore = (file: KnownFile, to: number): KnownFile['unreadable'] =>
  file.unreadable.filter(([from]) => from < to)

/** SHA-256 of the records that begin between two bytes, of a version. */
export function tailDigest(
  table: RecordTable,
  file: KnownFile,
  from: number,
  to: number,
  version = TEXT_VERSION,
): string {
  const { offset } = table.columns
  const texts = [...table.rowsOf(file)]
    .filter((row) => (offset[row] as number) >= from && (offset[row] as number) < to)
    .map((row) => recordText('', copyOf(table, file, row), version))
  return versionedDigest(version, createHash('sha256').update(texts.sort().join('\n')).digest('hex'))
}

/** The first of `rows`, in the order of their offsets, that is not before `from`. */
function lowerBound(rows: Uint32Array, offset: Float64Array, from: number): number {
  let low = 0
  let high = rows.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((offset[rows[middle] as number] as number) < from) low = middle + 1
    else high = middle
  }
  return low
}

/** A row as a copy. */
export function copyOf(table: RecordTable, file: KnownFile, row: number): RecordCopy {
  const { columns: c } = table
  const bytes = Buffer.from(c.identity.buffer, row * IDENTITY_BYTES, IDENTITY_BYTES)
  return {
    ...table.origins.at(c.origin[row] as number),
    identity: bytes.toString('hex'),
    time: c.time[row] as number,
    ...eachOwnText((field) => table.texts[field].texts[c.texts[field][row] as number] as string),
    ...c.countsOf(row),
    sidechain: ((c.flags[row] as number) & SIDECHAIN) !== 0,
    byMutation: file.byMutation,
    stamp: file.byMutation ? c.stampOf(row) : 0,
    position: c.offset[row] as number,
    offset: c.rankOffset[row] as number,
  }
}

/** `file` is where its content is; with the hash of that where it is known already. */
export function catalogueEntry(table: RecordTable, file: KnownFile): CatalogueEntry & { file: string } {
  const { columns: c } = table
  const owners: Record<string, number> = {}
  let records = 0
  let tokens = 0n
  for (const row of table.rowsOf(file)) {
    records++
    if (((c.flags[row] as number) & WINS) !== 0) tokens += BigInt(c.total(row))
    else {
      const { log } = table.files[c.file[table.winnerOf(row)] as number] as KnownFile
      owners[log.path] = (owners[log.path] ?? 0) + 1
    }
  }
  const refused = mergeRefused(file.refused, file.tail.refused)
  return {
    file: file.path,
    key: file.log.key,
    path: file.log.path,
    to: shippableTo(file),
    sha256: file.digests.get(shippableTo(file)) ?? '',
    records,
    tokens,
    duplicates: { own: file.copies + file.tail.copies - records, owners },
    refused: Object.fromEntries(Object.entries(refused).map(([reason, { count }]) => [reason, count])),
  }
}
