import { journalKey } from '../domain/log-name.ts'
import { BEFORE, TEXTS } from '../domain/record-fields.ts'
import { OWN_STAMP, stampOf } from '../domain/stamp.ts'
import type { RecordCopy } from '../domain/token-record.ts'
import type { IngestEntry } from '../ports/journal.ts'

/**
 * The records of an entry as copies at their places: the entry's first byte and the record's index, which
 * together are unique in the segment, because each record takes more than a byte. An entry of an earlier release has
 * not every field of today, and no stamp.
 */
export function recordsOf(entry: IngestEntry, segment: string, from: number): RecordCopy[] {
  const stamp = stampOf(entry)
  return entry.records.map(({ origin, isOwn = false, ...record }, index) =>
    withWellFormedTexts({
      ...BEFORE,
      ...record,
      byMutation: true,
      stamp: isOwn ? OWN_STAMP : stamp + index,
      position: from + index,
      path: origin?.path ?? journalKey(segment),
      offset: origin?.offset ?? from + index,
    }),
  )
}

/**
 * A lone surrogate, which a release before let in by a token's name, has no bytes in UTF-8: U+FFFD stands for it, before
 * any source counts it.
 */
function withWellFormedTexts(copy: RecordCopy): RecordCopy {
  for (const name of TEXTS) if (!copy[name].isWellFormed()) copy[name] = copy[name].toWellFormed()
  return copy
}
