import { comparePaths } from '../../domain/rank.ts'
import { MAX_REFUSAL_PLACES, REFUSAL_REASONS, type RefusalReason } from '../../domain/refusal.ts'
import type { RefusedByReason } from './file-update.ts'
import { type KnownFile, mergeRefused } from './known-file.ts'
import type { RecordTable } from './record-table.ts'

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
  /** Reasons that occur, in the order of the rule. */
  refused: RefusedLines[]
}

export function qualityOf(table: RecordTable): Quality {
  const files = [...table.knownFiles()].sort((a, b) => comparePaths(a.path, b.path))
  let copies = 0
  for (const file of files) copies += file.copies + file.tail.copies
  return {
    files: files.filter((file) => !file.byMutation).length,
    duplicateLines: BigInt(copies - table.winners),
    refused: REFUSAL_REASONS.map((reason) => refusedFor(reason, files)).filter(({ count }) => count > 0n),
  }
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
