import { BridgeError } from '../domain/errors.ts'
import type { RecordStore } from '../ports/record-store.ts'
import type { Ledger } from './ledger.ts'
import type { PublicationGate } from './publication-gate.ts'
import { createWorkLoop } from './work-loop.ts'

/** What becomes of it; of a database that has all sums, nothing is told. */
export interface FillingTold {
  begun(): void
  step(): void
  done(): void
  failed(error: Error): void
}

export interface FillingParts {
  ledger: Pick<Ledger, 'nextSeq'>
  store: Pick<RecordStore, 'fillSums'>
  gate: Pick<PublicationGate, 'aside'>
}

/**
 * Begins at once to sum what an earlier release has published: in steps between publications, while nobody waits. Where it
 * is cut off, the next publisher goes on from there.
 */
export function createSumsFilling(
  { ledger, store, gate }: FillingParts,
  told: FillingTold,
): { close(): Promise<void> } {
  let begun = false
  const loop = createWorkLoop({
    settle: async () => undefined,
    async step() {
      const hasMore = await gate.aside(() => store.fillSums(ledger.nextSeq()))
      if (hasMore && !begun) told.begun()
      begun ||= hasMore
      told.step()
      return hasMore
    },
    async idle() {
      if (begun) told.done()
    },
    failed: told.failed,
    closing: () => new BridgeError('SOURCE_UNAVAILABLE', 'the database is being closed'),
  })
  loop.kick()
  return { close: loop.close }
}
