import { BridgeError } from '../../domain/errors.ts'
import { IDENTITY_BYTES } from '../../domain/identity.ts'
import type { Work } from '../../domain/work.ts'
import type {
  CatalogueEntry,
  GroupedRow,
  LogDay,
  LogRange,
  LogSelection,
  PublishedGroups,
  RefusedPlaces,
} from '../../ports/logs.ts'
import { type KnownFile, shippableTo } from '../table/known-file.ts'
import type { RecordTable } from '../table/record-table.ts'
import { type AttachedLogs, createAttachedLogs } from './attached-logs.ts'
import { catalogueEntry, createRanges } from './log-ranges.ts'
import { groupedRows, groupRows } from './published-groups.ts'

/** Which records are published in ClickHouse and which are next: what shipping and the hybrid source see of the table. */
export interface ShippingView extends Pick<AttachedLogs, 'update' | 'attach' | 'distrust' | 'retired' | 'archived'> {
  nextRanges(selection: LogSelection, maxRecords: number, after?: ReadonlyMap<string, number>): LogRange[]
  /** Without the hashes of the content. */
  catalogue(): Omit<CatalogueEntry, 'sha256'>[]
  /** Nothing may change until it is done. */
  publishedGroups(without: Uint8Array): Work<PublishedGroups>
  publishedRows(of: LogDay, without: Uint8Array): GroupedRow[]
  setAside(refused: readonly RefusedPlaces[]): void
  unshippedBytes(): number
  /** Throws SOURCE_UNAVAILABLE while it is not exact. */
  unpublished(): Unpublished
  /** Whether what is published can be told from what is not: not while an edition waits to be retired. */
  isExact(): boolean
}

/** The identities that have a copy on disk that is not published, one after the other, and by row, which winners are theirs. */
interface Unpublished {
  identities: Uint8Array
  rows: Uint8Array
}

export function createShippingView(table: RecordTable): ShippingView {
  const logs = createAttachedLogs(table)
  const nextRange = createRanges(table)

  const isExact = (): boolean => logs.retired().length === 0 && ![...table.knownFiles()].some(({ suspect }) => suspect)
  const unpublished = (): Unpublished => {
    if (!isExact()) throw new BridgeError('SOURCE_UNAVAILABLE', 'a log waits to be shipped anew')
    return unpublishedOf(table)
  }

  return {
    ...logs,
    nextRanges(selection, maxRecords, after) {
      const ranges: LogRange[] = []
      let left = maxRecords
      for (const file of table.knownFiles()) {
        if (left <= 0) break
        const to = selectedTo(file, selection)
        const from = Math.max(file.publishedTo, after?.get(file.key) ?? 0)
        if (!file.attached || logs.isRetired(file) || from >= to) continue
        const recordsBefore = logs.recordsBefore(file, from)
        const range = nextRange(file, { from, to, recordsBefore, maxRecords: left })
        left -= range.batches.reduce((sum, batch) => sum + batch.length, 0)
        ranges.push(range)
      }
      return ranges
    },
    catalogue: () => [...table.transcripts()].map((file) => catalogueEntry(table, file)),
    unshippedBytes() {
      let bytes = 0
      // of a record that was set aside one byte, so that nobody takes all for published
      for (const file of table.knownFiles())
        bytes += Math.max(0, shippableTo(file) - file.publishedTo) + file.setAside.size
      return bytes
    },
    *publishedGroups(without) {
      const { identities, rows } = unpublished()
      return { groups: yield* groupRows(table, rows, without), unpublished: identities }
    },
    publishedRows: (of, without) => groupedRows(table, of, unpublished().rows, without),
    setAside(refused) {
      for (const { key, positions } of refused) {
        const file = table.file(key)
        if (file !== undefined) file.setAside = new Set([...file.setAside, ...positions])
      }
    },
    unpublished,
    isExact,
  }
}

/** Up to which byte a log may be shipped. */
function selectedTo(file: KnownFile, { journal, transcripts }: LogSelection): number {
  if (file.byMutation) return journal ? shippableTo(file) : 0
  if (transcripts === 'none') return 0
  if (transcripts === 'all') return shippableTo(file)
  return Math.min(shippableTo(file), transcripts.get(file.key) ?? 0)
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
