import { BridgeError } from '../../domain/errors.ts'
import { IDENTITY_BYTES } from '../../domain/identity.ts'
import type { PlacedCopy } from '../../domain/token-record.ts'
import type { Work } from '../../domain/work.ts'
import type {
  CatalogueEntry,
  GroupedRow,
  LogDay,
  LogRange,
  LogSelection,
  LogState,
  PublishedGroups,
  RefusedPlaces,
} from '../../ports/logs.ts'
import type { DigestRequest } from '../scanning/digesting.ts'
import { type KnownFile, shippableTo } from '../table/known-file.ts'
import type { RecordTable } from '../table/record-table.ts'
import { type AttachedLogs, createAttachedLogs, requestOf } from './attached-logs.ts'
import { electAnew, type Replacement } from './elect-anew.ts'
import { catalogueEntry, createRanges, type PublishedBefore, stateOf, withContent } from './log-ranges.ts'
import { groupsOfRows, rowsOfLogDay } from './published-groups.ts'

/** Which records are published in ClickHouse and which are next: what shipping and the hybrid source see of the table. */
export interface ShippingView
  extends Pick<
    AttachedLogs,
    | 'update'
    | 'attach'
    | 'unproven'
    | 'proven'
    | 'distrust'
    | 'retired'
    | 'archived'
    | 'absent'
    | 'lacking'
    | 'elsewhere'
  > {
  nextRanges(selection: LogSelection, maxRecords: number, after?: ReadonlyMap<string, number>): RangeToDigest[]
  catalogue(): EntryToHash[]
  registrations(which: 'new' | 'old'): StateToDigest[]
  /** Where a log is. */
  pathOf(key: string): string | undefined
  /** Nothing may change until it is done. */
  publishedGroups(without: Uint8Array): Work<PublishedGroups>
  publishedRows(of: LogDay, without: Uint8Array): GroupedRow[]
  setAside(refused: readonly RefusedPlaces[]): void
  /** Of those logs that are looked at; absent: all. */
  unshippedBytes(isLookedAt?: (file: KnownFile) => boolean): number
  /** Throws SOURCE_UNAVAILABLE while it is not exact. */
  unpublished(): Unpublished
  /**
   * The other way round: by row, the winners whose identities are all published and not in `without` (16 bytes each), and
   * which identities are not all published. Throws SOURCE_UNAVAILABLE while it is not exact.
   */
  published(without: Uint8Array): Unpublished
  /** Of some log, this disk has not what is published, or it was not compared so far. */
  isBehind(): boolean
  /** Which copies count instead of winners in `rows`, where copies that this disk has not take part; these leave `rows`. */
  electAnew(rows: Uint8Array, beyond: readonly PlacedCopy[]): Replacement | undefined
  /** Whether what is published can be told from what is not: not while an edition waits to be retired, or to be known. */
  isExact(): boolean
}

/** The hash of the content, which is in `file`, is empty where it is not known yet. */
export type EntryToHash = CatalogueEntry & { file: string }

/** A state whose digests may not be known yet, and what is to be read for them. */
export interface StateToDigest {
  state: LogState
  /** Absent where nothing is missing. */
  digest?: DigestRequest
}

export interface RangeToDigest {
  range: LogRange
  /** Its state, once other disks can know the log by it; absent where nobody has to. */
  proof?: StateToDigest
}

/** The identities that have a copy on disk that is not published, one after the other, and by row, which winners are theirs. */
interface Unpublished {
  identities: Uint8Array
  rows: Uint8Array
}

const IDENTITY_WORDS = IDENTITY_BYTES / 4
const NOTHING_BEFORE: PublishedBefore = { records: 0, tokens: '0' }

export function createShippingView(table: RecordTable): ShippingView {
  const logs = createAttachedLogs(table)
  const nextRange = createRanges(table)

  const isExact = (): boolean =>
    logs.retired().length === 0 &&
    ![...table.knownFiles()].some(({ suspect, attached, wanted }) => suspect || (!attached && wanted.size > 0))
  const unpublished = (): Unpublished => {
    if (!isExact()) throw new BridgeError('SOURCE_UNAVAILABLE', 'a log waits to be shipped anew')
    return unpublishedOf(table)
  }

  return {
    ...logs,
    nextRanges(selection, maxRecords, after) {
      const ranges: RangeToDigest[] = []
      let left = maxRecords
      for (const file of table.knownFiles()) {
        if (left <= 0) break
        const to = selectedTo(file, selection)
        const from = Math.max(file.publishedTo, after?.get(file.log.key) ?? 0)
        if (!file.attached || file.isBehind || logs.isRetired(file) || from >= to) continue
        const known = logs.stateOf(file)
        const before = from === 0 || known?.edition !== file.edition ? NOTHING_BEFORE : known
        const range = nextRange(file, { from, to, before, maxRecords: left })
        left -= range.batches.reduce((sum, batch) => sum + batch.length, 0)
        const isProven = !file.byMutation && after === undefined
        ranges.push({ range, ...(isProven && { proof: toDigest(range.state, file, known) }) })
      }
      return ranges
    },
    catalogue: () => [...table.transcripts()].map((file) => catalogueEntry(table, file)),
    registrations: (which) =>
      [...table.transcripts()].flatMap((file) => {
        const known = logs.stateOf(file)
        const isWanted = which === 'new' ? known === undefined : known !== undefined && isOld(known)
        return file.attached && isWanted
          ? [toDigest({ ...stateOf(file), ...known, ...labelOf(file) }, file, known)]
          : []
      }),
    pathOf: (key) => table.fileOfLog(key)?.path,
    unshippedBytes(isLookedAt = () => true) {
      let bytes = 0
      // each record that was set aside counts as a byte, so that this is never 0 while ClickHouse lacks one
      for (const file of table.knownFiles())
        if (isLookedAt(file)) bytes += Math.max(0, shippableTo(file) - file.publishedTo) + file.setAside.size
      return bytes
    },
    *publishedGroups(without) {
      const { identities, rows } = unpublished()
      return { groups: yield* groupsOfRows(table, rows, without), unpublished: identities }
    },
    publishedRows: (of, without) => rowsOfLogDay(table, of, unpublished().rows, without),
    setAside(refused) {
      for (const { key, positions } of refused) {
        const file = table.fileOfLog(key)
        if (file !== undefined) file.setAside = new Set([...file.setAside, ...positions])
      }
    },
    unpublished,
    published(without) {
      const { identities, rows } = unpublished()
      leaveOut(table, without, rows)
      return { identities, rows: rows.map((isOut) => 1 - isOut) }
    },
    isBehind: () => [...table.knownFiles()].some(({ isBehind }) => isBehind),
    electAnew: (rows, beyond) => electAnew(table, rows, beyond),
    isExact,
  }
}

/** Registered by nothing that another disk has, too. */
const isOld = ({ content, user }: LogState): boolean => content === undefined || user === undefined

const labelOf = ({ log: { user, host } }: KnownFile) => ({ user, host })

function toDigest(of: LogState, file: KnownFile, known: LogState | undefined): StateToDigest {
  const state = withContent(of, file, known)
  const missing = [state.head, state.content].flatMap((digest) => (digest?.sha256 === '' ? [digest.to] : []))
  return missing.length === 0 ? { state } : { state, digest: requestOf(file, [...new Set(missing)]) }
}

/** Up to which byte a log may be shipped. */
function selectedTo(file: KnownFile, { journal, transcripts }: LogSelection): number {
  if (file.byMutation) return journal ? shippableTo(file) : 0
  if (transcripts === 'none') return 0
  if (transcripts === 'all') return shippableTo(file)
  return Math.min(shippableTo(file), transcripts.get(file.log.key) ?? 0)
}

function unpublishedOf(table: RecordTable): Unpublished {
  const { columns: c } = table
  const rows = new Uint8Array(c.length)
  const winners: number[] = []
  for (const file of table.knownFiles()) {
    if (file.publishedTo >= shippableTo(file) && file.setAside.size === 0) continue
    for (const row of table.rowsOf(file)) {
      const position = c.offset[row] as number
      if (position < file.publishedTo && !file.setAside.has(position)) continue
      const winner = table.winnerOf(row)
      if (rows[winner] === 1) continue
      rows[winner] = 1
      winners.push(winner)
    }
  }
  const bytes = new Uint8Array(c.identity.buffer)
  const identities = new Uint8Array(winners.length * IDENTITY_BYTES)
  winners.forEach((row, i) => {
    identities.set(bytes.subarray(row * IDENTITY_BYTES, (row + 1) * IDENTITY_BYTES), i * IDENTITY_BYTES)
  })
  return { identities, rows }
}

/** Marks the winners of some identities: 16 bytes each. */
function leaveOut(table: RecordTable, identities: Uint8Array, rows: Uint8Array): void {
  // a copy: it may begin anywhere in its buffer, and words may not
  const words = new Uint32Array(identities.slice().buffer)
  for (let at = 0; at < words.length; at += IDENTITY_WORDS)
    for (const row of table.identities.rowsWith(words.subarray(at, at + IDENTITY_WORDS))) rows[row] = 1
}
