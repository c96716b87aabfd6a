import { type RemoteOptions, request } from './client.ts'
import { IngestDocument, type TokenRecordInput } from './generated.ts'

/** A record that is to be sent, and what its mistakes are told with. */
export interface SentRecord {
  record: TokenRecordInput
  /** Where it comes from, such as `line 5`. */
  place: string
}

export interface SentBatch {
  accepted: number
  /** One line each. */
  mistakes: string[]
}

export const MAX_BATCH_RECORDS = 1000
/** Below the server's limit for a request. */
const MAX_BATCH_BYTES = 700_000

/** Sends one batch under a key: sent twice, it is counted once. */
export async function sendBatch(
  batch: readonly SentRecord[],
  idempotencyKey: string,
  options: RemoteOptions,
): Promise<SentBatch> {
  const records = batch.map(({ record }) => record)
  const { ingestTokenRecords } = await request(IngestDocument, { input: { idempotencyKey, records } }, options)
  const { accepted, rejected } = ingestTokenRecords
  return {
    accepted,
    mistakes: rejected.map(({ index, code, message }) => `${batch[index]?.place}: ${code}: ${message}`),
  }
}

/** Cuts records into batches that one request can carry. */
export async function* batchesOf(records: AsyncIterable<SentRecord>): AsyncIterable<SentRecord[]> {
  let batch: SentRecord[] = []
  let bytes = 0
  for await (const sent of records) {
    const size = Buffer.byteLength(JSON.stringify(sent.record))
    if (batch.length > 0 && (batch.length >= MAX_BATCH_RECORDS || bytes + size > MAX_BATCH_BYTES)) {
      yield batch
      batch = []
      bytes = 0
    }
    batch.push(sent)
    bytes += size
  }
  if (batch.length > 0) yield batch
}
