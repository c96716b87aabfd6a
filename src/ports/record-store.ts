import type { TokenAnswer, TokenQuery } from '../domain/token-query.ts'
import type { RecordCopy } from '../domain/token-record.ts'

/** Records of one log that go into the store together, at most 1000. */
export interface RecordBatch {
  /** Counts up through the life of a ledger; never used again. */
  batch: number
  /** Edition of a log. */
  log: string
  /** A migration's id, or `live`. */
  run: string
  records: readonly RecordCopy[]
}

/** What a batch holds, as the store or as the sender says. Equal only if every record is equal. */
export interface BatchSummary {
  records: number
  identities: number
  input: bigint
  output: bigint
  cacheRead: bigint
  cacheCreation5m: bigint
  cacheCreation1h: bigint
  /** SHA-256 of all records' texts (`recordText`), in the order of their places. */
  digest: string
}

/** Batches that count no more. */
export type Retired = { logs: readonly string[] } | { run: string }

/** Where verified records are kept and counted: ClickHouse. Nothing that is written is seen by readers before it is published. */
export interface RecordStore {
  /** Names this store: another one, or an emptied one, has another id. */
  id(): Promise<string>
  /** The largest `seq` that was ever published; 0 before. */
  lastSeq(): Promise<number>
  write(batch: RecordBatch): Promise<void>
  /** What the store holds of these batches; those it knows nothing of are absent. */
  readBack(batches: readonly number[]): Promise<Map<number, BatchSummary>>
  /**
   * Makes batches count: of each of their identities the winner among all published copies becomes visible, all
   * of them at once. `seq` is larger than in any call before. May be repeated.
   */
  publish(batches: readonly Pick<RecordBatch, 'batch' | 'log' | 'run'>[], seq: number): Promise<void>
  /** Makes all batches of these logs, or of a run, count no more: what they hid comes out again. May be repeated. */
  retire(what: Retired, seq: number): Promise<void>
}

/** What is published, summed. */
export interface PublishedRecords {
  /** One answer for each query, without the identities in `excluded` (16 bytes each). */
  answer(queries: readonly TokenQuery[], excluded: Uint8Array): Promise<TokenAnswer[]>
}
