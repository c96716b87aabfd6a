import { comparePaths } from '../../domain/rank.ts'
import { MAX_REFUSAL_PLACES, REFUSAL_REASONS, type RefusalReason } from '../../domain/refusal.ts'
import { EVERYTHING, type Scope } from '../../domain/scope.ts'
import type { RefusedByReason } from './file-update.ts'
import { type KnownFile, mergeRefused } from './known-file.ts'
import type { RecordTable } from './record-table.ts'
import { markedOrigins, visibleLogs } from './within.ts'

export interface RefusedLines {
  reason: RefusalReason
  count: bigint
  /** The first hundred, in the order of paths and offsets. */
  places: { path: string; offset: number }[]
}

/** What was counted twice over, and what was refused, in the whole corpus (rule 9). */
export interface Quality {
  /** Transcripts that are counted. */
  files: number
  /** Copies of records that do not count, because another copy of the same identity does. */
  duplicateLines: bigint
  /**
   * Copies that do not count and have other figures than the winner, brought in by another user or in another way. What
   * one user brought in, in one way, is one copy of an identity here: its best, so that the growth of a response is none.
   */
  conflictingCopies: bigint
  /** Reasons that occur, in the order of the rule. */
  refused: RefusedLines[]
}

/** The same as far as somebody may see it. */
export interface VisibleQuality extends Omit<Quality, 'duplicateLines'> {
  /** Copies of records, those that count among them. */
  copies: number
}

export function qualityOf(table: RecordTable): Quality {
  const { copies, ...rest } = visibleQuality(table, EVERYTHING)
  return { ...rest, duplicateLines: BigInt(copies - table.winners) }
}

/** Copies by their fields, refused lines by the log that they stand in. */
export function visibleQuality(table: RecordTable, access: readonly Scope[]): VisibleQuality {
  const isVisible = visibleLogs(table, access)
  const files = [...table.knownFiles()].filter(isVisible).sort((a, b) => comparePaths(a.path, b.path))
  return {
    files: files.filter((file) => !file.byMutation).length,
    copies: copiesWithin(table, access),
    conflictingCopies: conflictsWithin(table, access),
    refused: REFUSAL_REASONS.map((reason) => refusedFor(reason, files)).filter(({ count }) => count > 0n),
  }
}

/** Of these copies, too, those count here that somebody may see. */
function conflictsWithin(table: RecordTable, access: readonly Scope[]): bigint {
  const marks = markedOrigins(table, access)
  if (marks === undefined) return BigInt(table.conflicting.size)
  let conflicts = 0
  for (const row of table.conflicting) conflicts += marks[table.columns.origin[row] as number] as number
  return BigInt(conflicts)
}

function copiesWithin(table: RecordTable, access: readonly Scope[]): number {
  const marks = markedOrigins(table, access)
  const isWithin = (origin: number): boolean => marks === undefined || marks[origin] === 1
  let copies = 0
  for (const file of table.knownFiles()) {
    if (!file.byMutation && isWithin(file.origin)) copies += file.copies + file.tail.copies
    for (const [origin, count] of file.copiesByOrigin) if (isWithin(origin)) copies += count
  }
  return copies
}

function refusedFor(reason: RefusalReason, files: readonly KnownFile[]): RefusedLines {
  let count = 0
  const places: RefusedLines['places'] = []
  for (const file of files) {
    const refused: RefusedByReason = mergeRefused(file.refused, file.tail.refused)
    const lines = refused[reason]
    if (lines === undefined) continue
    count += lines.count
    for (const offset of lines.offsets) if (places.length < MAX_REFUSAL_PLACES) places.push({ path: file.path, offset })
  }
  return { reason, count: BigInt(count), places }
}
