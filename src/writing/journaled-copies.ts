import type { RecordCopy } from '../domain/token-record.ts'
import type { IngestEntry } from '../ports/journal.ts'

/**
 * The records of an entry as copies at their places: the entry's first byte and the record's index, which
 * together are unique in the segment, because each record takes more than a byte.
 */
export function recordsOf(entry: IngestEntry, segment: string, from: number): RecordCopy[] {
  return entry.records.map(({ origin, ...record }, index) => ({
    ...record,
    byMutation: true,
    position: from + index,
    path: origin?.path ?? `journal:${segment}`,
    offset: origin?.offset ?? from + index,
  }))
}
