import { digestVersion } from '../../domain/digest-version.ts'
import { BridgeError } from '../../domain/errors.ts'
import { IDENTITY_BYTES } from '../../domain/identity.ts'
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
import { hasFingerprint } from '../scanning/file-scan.ts'
import { type KnownFile, shippableTo } from '../table/known-file.ts'
import type { RecordTable } from '../table/record-table.ts'
import { catalogueEntry, createRanges, tailDigest, unreadableBefore } from './log-ranges.ts'
import { groupedRows, groupRows } from './published-groups.ts'

/** Which records are published in ClickHouse and which are next: what shipping and the hybrid source see of the table. */
export interface ShippingView {
  /** Takes what the ledger knows: at the start, and whenever something was published or retired. */
  update(states: readonly LogState[]): void
  /** Compares logs that are new, were replaced or renamed with what the ledger knows of them: all, or the one of a key. */
  attach(key?: string): void
  nextRanges(selection: LogSelection, maxRecords: number, after?: ReadonlyMap<string, number>): LogRange[]
  retired(): LogState[]
  /** Without the hashes of the content. */
  catalogue(): Omit<CatalogueEntry, 'sha256'>[]
  archived(): LogState[]
  /** Nothing may change until it is done. */
  publishedGroups(without: Uint8Array): Work<PublishedGroups>
  publishedRows(of: LogDay, without: Uint8Array): GroupedRow[]
  distrust(keys: readonly string[]): void
  setAside(refused: readonly RefusedPlaces[]): void
  unshippedBytes(): number
  /**
   * The identities that have a copy on disk that is not published, and by row, which winners are theirs. Throws
   * SOURCE_UNAVAILABLE while it is not exact.
   */
  unpublished(): { identities: Uint8Array; rows: Uint8Array }
  /** Whether what is published can be told from what is not: not while an edition waits to be retired. */
  isExact(): boolean
}

export function createShippingView(table: () => RecordTable): ShippingView {
  const states = new Map<string, LogState>()
  const toRetire = new Map<string, LogState>()
  /** Editions of which the database has lost something, by log: also of logs that are looked at only later. */
  const distrusted = new Map<string, number>()
  const nextRange = createRanges(table)

  const attachFile = (file: KnownFile): void => {
    file.attached = true
    file.edition = 0
    file.publishedTo = 0
    file.setAside = new Set()
    const state = states.get(file.key)
    if (state === undefined) return
    file.edition = state.edition
    const same = file.byMutation ? isSameSegment(file, state) : isSameLog(file, state)
    const renamed = state.path !== file.path || state.root !== file.root || state.relativePath !== file.relativePath
    const believed = distrusted.get(file.key) !== state.edition
    if (same && !renamed && believed && hasTail(table(), file, state)) {
      file.publishedTo = state.publishedTo
      file.setAside = new Set(state.setAside?.filter((position) => position < state.publishedTo))
    } else if (!same) file.edition++
    // another name, a changed end, or not to be believed: what was published must go before it comes anew
    else if (state.publishedTo > 0) toRetire.set(file.key, state)
    file.suspect = false
  }

  /** Records of the file's edition that are published up to `from`; `undefined` where a release before this one shipped them. */
  const recordsBefore = (file: KnownFile, from: number): number | undefined => {
    const state = states.get(file.key)
    return from === 0 || state?.edition !== file.edition ? 0 : state.records
  }

  const selectedTo = (file: KnownFile, { journal, transcripts }: LogSelection): number => {
    if (file.byMutation) return journal ? shippableTo(file) : 0
    if (transcripts === 'none') return 0
    if (transcripts === 'all') return shippableTo(file)
    return Math.min(shippableTo(file), transcripts.get(file.key) ?? 0)
  }

  return {
    update(updates) {
      for (const state of updates) {
        states.set(state.key, state)
        const file = table().file(state.key)
        const retired = toRetire.get(state.key)
        if (retired !== undefined && state.edition > retired.edition) toRetire.delete(state.key)
        if (state.edition > (distrusted.get(state.key) ?? state.edition)) distrusted.delete(state.key)
        // it may have been replaced or renamed meanwhile
        if (file !== undefined) attachFile(file)
      }
    },
    attach(key) {
      for (const file of key === undefined ? table().knownFiles() : [table().file(key)])
        if (file !== undefined && !file.attached) attachFile(file)
    },
    nextRanges(selection, maxRecords, after) {
      const ranges: LogRange[] = []
      let left = maxRecords
      for (const file of table().knownFiles()) {
        if (left <= 0) break
        const to = selectedTo(file, selection)
        const from = Math.max(file.publishedTo, after?.get(file.key) ?? 0)
        if (!file.attached || toRetire.has(file.key) || from >= to) continue
        const range = nextRange(file, { from, to, recordsBefore: recordsBefore(file, from), maxRecords: left })
        left -= range.batches.reduce((sum, batch) => sum + batch.length, 0)
        ranges.push(range)
      }
      return ranges
    },
    retired: () => [...toRetire.values()],
    catalogue: () => [...table().transcripts()].map((file) => catalogueEntry(table(), file)),
    unshippedBytes() {
      let bytes = 0
      // of a record that was set aside one byte, so that nobody takes all for published
      for (const file of table().knownFiles())
        bytes += Math.max(0, shippableTo(file) - file.publishedTo) + file.setAside.size
      return bytes
    },
    archived: () => [...states.values()].filter((state) => isArchived(state)),
    *publishedGroups(without) {
      assertExact()
      const { identities, rows } = unpublished()
      return { groups: yield* groupRows(table(), rows, without), unpublished: identities }
    },
    publishedRows(of, without) {
      assertExact()
      return groupedRows(table(), of, unpublished().rows, without)
    },
    distrust(keys) {
      for (const key of keys) {
        const file = table().file(key)
        const state = states.get(key)
        if (state === undefined) continue
        distrusted.set(key, state.edition)
        if (file === undefined || file.edition !== state.edition) continue
        toRetire.set(key, state)
        file.publishedTo = 0
      }
    },
    setAside(refused) {
      for (const { key, positions } of refused) {
        const file = table().file(key)
        if (file !== undefined) file.setAside = new Set([...file.setAside, ...positions])
      }
    },
    unpublished() {
      assertExact()
      return unpublished()
    },
    isExact,
  }

  function unpublished(): { identities: Uint8Array; rows: Uint8Array } {
    const { columns: c } = table()
    const rows = new Uint8Array(c.length)
    const winners: number[] = []
    for (const file of table().knownFiles()) {
      if (file.publishedTo >= shippableTo(file) && file.setAside.size === 0) continue
      for (const row of table().rowsOf(file)) {
        const position = c.offset[row] as number
        if (position < file.publishedTo && !file.setAside.has(position)) continue
        const winner = table().winnerOf(row)
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

  function isExact(): boolean {
    return toRetire.size === 0 && ![...table().knownFiles()].some(({ suspect }) => suspect)
  }

  function assertExact(): void {
    if (!isExact()) throw new BridgeError('SOURCE_UNAVAILABLE', 'a log waits to be shipped anew')
  }

  /** What was published at its key is not there any more. */
  function isArchived(state: LogState): boolean {
    if (state.publishedTo === 0) return false
    const file = table().file(state.key)
    return file === undefined || (file.attached && file.edition !== state.edition)
  }
}

function isSameLog(file: KnownFile, { fingerprint }: LogState): boolean {
  if (file.fingerprint.counted === fingerprint.counted && file.fingerprint.sha256 === fingerprint.sha256) return true
  return hasFingerprint(file.path, file.key, fingerprint)
}

/** Whether all that was published of a segment of the journal, and nothing more, can still be read. */
function isSameSegment(file: KnownFile, { publishedTo, unreadable = [] }: LogState): boolean {
  if (file.counted < publishedTo) return false
  return JSON.stringify(unreadableBefore(file, publishedTo)) === JSON.stringify(unreadable)
}

/** Whether a last line without its end that was published is still the same line. */
function hasTail(table: RecordTable, file: KnownFile, { fingerprint, publishedTo, tail }: LogState): boolean {
  if (publishedTo <= fingerprint.counted) return true
  if (tail === undefined) return false
  return tail === tailDigest(table, file, fingerprint.counted, publishedTo, digestVersion(tail))
}
