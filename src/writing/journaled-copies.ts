import { journalKey } from '../domain/log-name.ts'
import type { RecordCopy } from '../domain/token-record.ts'
import type { IngestEntry } from '../ports/journal.ts'

/**
 * The records of an entry as copies at their places: the entry's first byte and the record's index, which
 * together are unique in the segment, because each record takes more than a byte. A lone surrogate, which a release
 * before let in by a token's name, has no bytes in UTF-8: U+FFFD stands for it, before any source counts it.
 */
export function recordsOf(entry: IngestEntry, segment: string, from: number): RecordCopy[] {
  return entry.records.map(({ origin, ...record }, index) => ({
    ...record,
    session: record.session.toWellFormed(),
    project: record.project.toWellFormed(),
    model: record.model.toWellFormed(),
    user: record.user.toWellFormed(),
    host: record.host.toWellFormed(),
    byMutation: true,
    position: from + index,
    path: origin?.path.toWellFormed() ?? journalKey(segment),
    offset: origin?.offset ?? from + index,
  }))
}
