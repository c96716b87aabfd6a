import type { LogSelection, ShippableLogs } from '../ports/logs.ts'
import { summarize } from '../shipping/batch-summary.ts'
import { GROUP_RECORDS } from '../shipping/shipper.ts'

/** What a run would carry now. */
export interface Plan {
  files: number
  bytes: bigint
  records: bigint
  batches: number
  tokens: bigint
  duplicateLines: bigint
  refused: { reason: string; count: bigint }[]
  estimatedSeconds: number
}

/** What two cores carry, write, read back and publish a second, where nothing was carried yet (`npm run bench:migration`). */
const USUAL_RECORDS_PER_SECOND = 30_000
/** Bytes that one of them hashes a second, to freeze a catalogue. */
const HASHED_BYTES_PER_SECOND = 0.75e9

/** How long carrying takes, in seconds: freezing reads every byte, the rest goes by records. */
export function estimateSeconds(records: number, bytes: bigint, recordsPerSecond: number | undefined): number {
  return records / (recordsPerSecond ?? USUAL_RECORDS_PER_SECOND) + Number(bytes) / HASHED_BYTES_PER_SECOND
}

/** Freezes a catalogue and makes every batch that a run would send, with its digest; writes nothing. */
export async function planRun(logs: ShippableLogs, recordsPerSecond: () => number | undefined): Promise<Plan> {
  const catalogue = await logs.catalogue()
  const selection: LogSelection = {
    journal: false,
    transcripts: new Map(catalogue.map(({ key, to }) => [key, to])),
  }
  const after = new Map<string, number>()
  let records = 0
  let batches = 0
  for (;;) {
    const ranges = await logs.nextRanges(selection, GROUP_RECORDS, after)
    if (ranges.length === 0) break
    for (const { state, batches: list } of ranges) {
      for (const batch of list) {
        summarize(state.key, batch)
        records += batch.length
        batches++
      }
      after.set(state.key, state.publishedTo)
    }
  }
  const refused = new Map<string, bigint>()
  for (const log of catalogue)
    for (const [reason, count] of Object.entries(log.refused))
      refused.set(reason, (refused.get(reason) ?? 0n) + BigInt(count))
  const bytes = catalogue.reduce((sum, { to }) => sum + BigInt(to), 0n)
  return {
    files: catalogue.length,
    bytes,
    records: BigInt(records),
    batches,
    tokens: catalogue.reduce((sum, { tokens }) => sum + tokens, 0n),
    duplicateLines: catalogue.reduce((sum, log) => sum + BigInt(duplicatesOf(log.duplicates)), 0n),
    refused: [...refused].map(([reason, count]) => ({ reason, count })),
    estimatedSeconds: estimateSeconds(records, bytes, recordsPerSecond()),
  }
}

/** Lines whose record counts elsewhere. */
export function duplicatesOf(duplicates: { own: number; owners: Record<string, number> } | undefined): number {
  if (duplicates === undefined) return 0
  return Object.values(duplicates.owners).reduce((sum, count) => sum + count, duplicates.own)
}
