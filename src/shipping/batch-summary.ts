import { createHash } from 'node:crypto'
import { digestVersion, versionedDigest } from '../domain/digest-version.ts'
import { recordText, TEXT_VERSION } from '../domain/record-text.ts'
import { eachCount, totalOfSums } from '../domain/token-counts.ts'
import type { RecordCopy } from '../domain/token-record.ts'
import type { BatchSummary, PublishedBatch, RecordBatch, RecordStore } from '../ports/record-store.ts'

/**
 * What a batch must hold once it is written: computed from what is sent, compared with what is read back. `version` is
 * that of the digest.
 */
export function summarize(log: string, records: readonly RecordCopy[], version = TEXT_VERSION): BatchSummary {
  const ordered = records.toSorted((a, b) => a.position - b.position || (a.identity < b.identity ? -1 : 1))
  const texts = ordered.map((record) => recordText(log, record, version))
  return {
    records: records.length,
    identities: new Set(records.map(({ identity }) => identity)).size,
    ...eachCount((field) => records.reduce((total, record) => total + BigInt(record[field]), 0n)),
    digest: versionedDigest(version, createHash('sha256').update(texts.join('\n')).digest('hex')),
  }
}

/** The digest of some records in the version of another one, to be compared with it. */
export const digestLike = (digest: string, log: string, records: readonly RecordCopy[]): string =>
  summarize(log, records, digestVersion(digest)).digest

/** What the store holds of some batches, each with a digest in the version of its own. */
export async function readBackLike(
  store: Pick<RecordStore, 'readBack'>,
  batches: readonly Pick<PublishedBatch, 'batch' | 'digest'>[],
): Promise<Map<number, BatchSummary>> {
  const found = new Map<number, BatchSummary>()
  for (const [version, some] of Map.groupBy(batches, ({ digest }) => digestVersion(digest)))
    for (const one of await store.readBack(
      some.map(({ batch }) => batch),
      version,
    ))
      found.set(...one)
  return found
}

export function isSameSummary(a: BatchSummary | undefined, b: BatchSummary): boolean {
  return a !== undefined && (Object.keys(b) as (keyof BatchSummary)[]).every((member) => a[member] === b[member])
}

/** What is noted of a batch when it is published. */
export function evidenceOf({ batch, log, run, records }: RecordBatch, summary: BatchSummary): PublishedBatch {
  return {
    batch,
    log,
    run,
    records: records.length,
    digest: summary.digest,
    tokens: String(totalOfSums(summary)),
    firstPosition: records[0]?.position ?? 0,
    lastPosition: records.at(-1)?.position ?? 0,
  }
}
