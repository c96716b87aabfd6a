import { journalKey } from '../../domain/log-name.ts'
import type { RecordCopy } from '../../domain/token-record.ts'
import { columnsOf, type FileUpdate } from './file-update.ts'
import { Origins } from './origins.ts'

/** Entries of a segment of the journal: all records between two of its bytes, or bytes that cannot be read. */
export interface JournaledRange {
  segment: string
  /** One past the last entry. */
  to: number
  records: RecordCopy[]
  /** The first of the bytes before `to` that cannot be read. */
  unreadableFrom?: number
}

/** The same as reading a transcript gives, for a range of the journal that begins at byte `from`. */
export function journalUpdate({ segment, to, records, unreadableFrom }: JournaledRange, from: number): FileUpdate {
  const origins = new Origins()
  const { texts, records: columns } = columnsOf(
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
      texts,
      origins: origins.list,
      ...(unreadableFrom === undefined ? {} : { unreadable: [unreadableFrom, to] as const }),
    },
    records: {
      ...columns,
      origin,
      rankOffset: Float64Array.from(records, (record) => record.offset),
      stamp: Float64Array.from(records, (record) => record.stamp),
    },
  }
}
