import { segmentOf } from '../domain/log-name.ts'
import type { Losses } from '../domain/losses.ts'
import type { SegmentExtent } from '../ports/journal.ts'
import type { LogState } from '../ports/logs.ts'

type Range = readonly [from: number, to: number]

/**
 * What cannot be read of the journal: damaged, cut or gone. `all` are the editions of its segments that are published:
 * ClickHouse has their records. Where a part of what a segment lost is published, its records are estimated by bytes.
 */
export function journalLosses(extents: readonly SegmentExtent[], all: readonly LogState[]): Losses {
  const editions = Map.groupBy(all, ({ key }) => segmentOf(key))
  const known = new Map(extents.map((extent) => [extent.segment, extent]))
  const losses: Losses = { inFiles: 0, everywhere: 0 }
  for (const segment of new Set([...known.keys(), ...editions.keys()])) {
    const published = editions.get(segment) ?? []
    const { readTo, records, unreadable, acknowledgedTo, acknowledgedRecords } = known.get(segment) ?? GONE
    const to = Math.max(acknowledgedTo, ...published.map(({ publishedTo }) => publishedTo))
    const lost: Range[] = readTo < to ? [...unreadable, [readTo, to]] : unreadable
    if (lost.length === 0) continue
    const had = Math.max(acknowledgedRecords, ...published.map((edition) => edition.records ?? 0))
    // entries without records (a preference, a revocation) are no loss to any answer
    const isCounted = (lost.at(-1) as Range)[1] <= Math.max(acknowledgedTo, ...published.map(countedTo))
    const inFiles = Math.max(isCounted ? 0 : 1, had - records)
    if (inFiles === 0) continue
    losses.inFiles += inFiles
    const held = Math.max(0, ...published.map((edition) => edition.records ?? 0))
    // all its records are published: where an edition of a lost ledger ends is not known to the byte, so records are
    // compared
    if (acknowledgedRecords > 0 && held >= acknowledgedRecords) continue
    const nowhere = published.reduce((ranges, edition) => without(ranges, readableOf(edition)), lost)
    losses.everywhere += Math.ceil((inFiles * bytesOf(nowhere)) / bytesOf(lost))
  }
  return losses
}

const GONE = { readTo: 0, records: 0, unreadable: [], acknowledgedTo: 0, acknowledgedRecords: 0 }

/** Up to where it is known how many records a segment had, by what was published of it; an early release did not say. */
const countedTo = ({ publishedTo, records, unreadable = [] }: LogState): number =>
  records === undefined || unreadable.length > 0 ? 0 : publishedTo

/** The ranges of a segment that one of its editions holds. */
const readableOf = ({ publishedTo, unreadable = [] }: LogState): Range[] => without([[0, publishedTo]], unreadable)

/** What is left of some ranges when others are taken away. */
function without(ranges: readonly Range[], taken: readonly Range[]): Range[] {
  return taken.reduce<Range[]>(
    (left, [from, to]) =>
      left.flatMap(([start, end]): Range[] => {
        const pieces: Range[] = [
          [start, Math.min(end, from)],
          [Math.max(start, to), end],
        ]
        return pieces.filter(([a, b]) => a < b)
      }),
    [...ranges],
  )
}

const bytesOf = (ranges: readonly Range[]): number => ranges.reduce((sum, [from, to]) => sum + to - from, 0)
