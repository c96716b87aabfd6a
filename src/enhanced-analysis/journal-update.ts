import type { RecordCopy } from '../domain/token-record.ts'
import { columnsOf, type FileUpdate } from './file-update.ts'
import { Origins } from './origins.ts'

/** Entries of a segment of the journal: all records between two of its bytes. */
export interface JournaledRange {
  segment: string
  /** One past the last entry. */
  to: number
  records: RecordCopy[]
}

const JOURNAL = 'journal:'
export const journalKey = (segment: string): string => `${JOURNAL}${segment}`
export const isJournalKey = (key: string): boolean => key.startsWith(JOURNAL)

/** The same as reading a transcript gives, for a range of the journal that begins at byte `from`. */
export function journalUpdate({ segment, to, records }: JournaledRange, from: number): FileUpdate {
  const origins = new Origins()
  const {
    models,
    sessions,
    records: columns,
  } = columnsOf(
    records.map((record) => ({ ...record, offset: record.position })),
    (identity) => Buffer.from(identity, 'hex'),
  )
  const origin = Uint32Array.from(records, (record) => origins.add(record))
  const key = journalKey(segment)
  return {
    header: {
      key,
      path: key,
      root: '',
      relativePath: '',
      size: to,
      modifiedNs: '',
      from,
      to,
      fingerprint: { counted: to, sha256: '' },
      copies: records.length,
      refused: {},
      tail: { copies: 0, records: 0, refused: {} },
      usesStem: false,
      models,
      sessions,
      origins: origins.list,
    },
    records: {
      ...columns,
      origin,
      rankOffset: Float64Array.from(records, (record) => record.offset),
    },
  }
}
