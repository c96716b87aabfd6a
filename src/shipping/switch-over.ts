import type { Ledger } from './ledger.ts'
import type { PublicationGate } from './publication-gate.ts'

export interface SwitchingParts {
  ledger: Ledger
  /** Runs while nobody reads. */
  publish: PublicationGate['publish']
}

/** Changes what readers see by something that is no log: it has a place of its own among the publications. */
export function switchOver({ ledger, publish }: SwitchingParts, run: (seq: number) => Promise<void>): Promise<void> {
  return publish(async () => {
    const seq = ledger.nextSeq()
    await run(seq)
    // an entry without a log: it counts the switch, and keeps its number
    ledger.retired([], seq)
  })
}
