import type { RecordBatch } from '../ports/record-store.ts'

/** Batches in turn, up to so many records together. */
export function* inChunks(batches: readonly RecordBatch[], maxRecords: number): Generator<RecordBatch[]> {
  let some: RecordBatch[] = []
  let records = 0
  for (const batch of batches) {
    if (some.length > 0 && records + batch.records.length > maxRecords) {
      yield some
      some = []
      records = 0
    }
    some.push(batch)
    records += batch.records.length
  }
  yield some
}
