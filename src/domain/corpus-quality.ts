import type { RefusalReason } from './refusal.ts'
import type { UsageSums } from './token-query.ts'

/** What a source knows of the whole corpus, whatever is asked. */
export interface CorpusQuality {
  /** Copies that do not count because another copy of the same identity does. */
  duplicateLines: bigint
  /** Copies that do not count and have other figures than the winner, by another user or another way in (rule 8). */
  conflictingCopies: bigint
  /** Reasons that occur. */
  refused: { reason: RefusalReason; count: bigint }[]
  /** Sums of the whole corpus, from which the unpriced tokens follow. */
  whole: UsageSums[]
  /** Of identities with an archived copy, the tokens that count, less those that the files count (rule 10): may be below 0. */
  archivedTokens: bigint
  /** Bytes of logs beyond their published position in ClickHouse. */
  unshippedBytes: bigint
}
