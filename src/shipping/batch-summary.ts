import { createHash } from 'node:crypto'
import { recordText } from '../domain/record-text.ts'
import type { RecordCopy } from '../domain/token-record.ts'
import type { BatchSummary, PublishedBatch, RecordBatch } from '../ports/record-store.ts'

/** What a batch must hold once it is written: computed from what is sent, compared with what is read back. */
export function summarize(log: string, records: readonly RecordCopy[]): BatchSummary {
  const sum = (pick: (record: RecordCopy) => number): bigint =>
    records.reduce((total, record) => total + BigInt(pick(record)), 0n)
  const ordered = records.toSorted((a, b) => a.position - b.position || (a.identity < b.identity ? -1 : 1))
  return {
    records: records.length,
    identities: new Set(records.map(({ identity }) => identity)).size,
    input: sum((record) => record.input),
    output: sum((record) => record.output),
    cacheRead: sum((record) => record.cacheRead),
    cacheCreation5m: sum((record) => record.cacheCreation5m),
    cacheCreation1h: sum((record) => record.cacheCreation1h),
    digest: createHash('sha256')
      .update(ordered.map((record) => recordText(log, record)).join('\n'))
      .digest('hex'),
  }
}

export function isSameSummary(a: BatchSummary | undefined, b: BatchSummary): boolean {
  return a !== undefined && (Object.keys(b) as (keyof BatchSummary)[]).every((member) => a[member] === b[member])
}

/** What is noted of a batch when it is published. */
export function evidenceOf({ batch, log, run, records }: RecordBatch, summary: BatchSummary): PublishedBatch {
  const { input, output, cacheRead, cacheCreation5m, cacheCreation1h, digest } = summary
  return {
    batch,
    log,
    run,
    records: records.length,
    digest,
    tokens: String(input + output + cacheRead + cacheCreation5m + cacheCreation1h),
    firstPosition: records[0]?.position ?? 0,
    lastPosition: records.at(-1)?.position ?? 0,
  }
}
