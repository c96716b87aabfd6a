import { setTimeout as sleep } from 'node:timers/promises'
import { type RemoteOptions, RequestError, request } from './client.ts'
import { IngestDocument, type IngestMutation, type TokenRecordInput } from './generated.ts'
import { tellProblem } from './terminal.ts'

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

/** Lines about records that were not accepted: as many as somebody reads; the rest is counted. */
export interface Mistakes {
  /** Returns those of them that are kept. */
  add(lines: readonly string[]): string[]
  /** Those that are kept, and in the end how many are not. */
  all(): string[]
}

export const MAX_MISTAKES = 1000

export function createMistakes(): Mistakes {
  const kept: string[] = []
  let more = 0
  return {
    add(lines) {
      const fit = lines.slice(0, MAX_MISTAKES - kept.length)
      kept.push(...fit)
      more += lines.length - fit.length
      return fit
    },
    all: () => (more === 0 ? kept : [...kept, `${more} more mistakes are not told`]),
  }
}

export const MAX_BATCH_RECORDS = 1000
/** Below the server's limit for a request. */
const MAX_BATCH_BYTES = 700_000

export interface SendOptions extends RemoteOptions {
  /** Waits for so many seconds. */
  wait?: (seconds: number) => Promise<unknown>
}

/**
 * Sends one batch under a key: sent twice, it is counted once. Where too much was sent lately it waits for as long as
 * the server says, and goes on.
 */
export async function sendBatch(
  batch: readonly SentRecord[],
  idempotencyKey: string,
  options: SendOptions,
): Promise<SentBatch> {
  const records = batch.map(({ record }) => record)
  const { ingestTokenRecords } = await insisting(
    () => request(IngestDocument, { input: { idempotencyKey, records } }, options),
    options.wait ?? ((seconds) => sleep(seconds * 1000)),
  )
  const { accepted, rejected } = ingestTokenRecords
  return {
    accepted,
    mistakes: rejected.map(({ index, code, message }) => `${batch[index]?.place}: ${code}: ${message}`),
  }
}

async function insisting(
  send: () => Promise<IngestMutation>,
  wait: (seconds: number) => Promise<unknown>,
): Promise<IngestMutation> {
  for (;;) {
    try {
      return await send()
    } catch (error) {
      if (!(error instanceof RequestError) || error.retryAfterSeconds === undefined) throw error
      tellProblem(`waiting for ${error.retryAfterSeconds} s: ${error.message}`)
      await wait(error.retryAfterSeconds)
    }
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
