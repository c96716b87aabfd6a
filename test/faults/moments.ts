import type { PublishingStatement } from '../../src/clickhouse/statement-names.ts'

// The moments (`src/ports/moments.ts`) at which a server is killed, by what it is doing then.

/** Which of the two comes to it; `undefined` where neither does. A statement of a publication without a row does not compile. */
const PUBLISHING: Record<PublishingStatement, 'shipping' | 'runs' | undefined> = {
  'note-batches': 'shipping',
  publish: 'shipping',
  'publish-kept': 'runs',
  'mark-batches': 'runs',
  'time-winners': 'shipping',
  'sum-changed': 'shipping',
  'drop-winners-next': 'runs',
  'drop-by-time-next': 'runs',
  'drop-sums-next': 'runs',
  'make-winners-next': 'runs',
  'make-by-time-next': 'runs',
  'make-sums-next': 'runs',
  'elect-slice': 'runs',
  'copy-by-time': 'runs',
  'sum-slots': 'runs',
  'swap-winners': 'runs',
  'swap-by-time': 'runs',
  'swap-sums': 'runs',
  'note-filled': 'runs',
  'drop-old-winners': 'runs',
  'drop-old-by-time': 'runs',
  'drop-old-sums': 'runs',
  'drop-run': 'runs',
  'delete-retired': 'runs',
  // after a log was rewritten, or the database has lost winners, which the kill loop does not do
  retire: undefined,
  'elect-missing': undefined,
}

const publishing = (when: 'shipping' | 'runs'): string[] =>
  Object.entries(PUBLISHING).flatMap(([name, one]) => (one === when ? [`statement ${name}`] : []))

/** While records come in, are shipped and are read. */
export const SHIPPING: readonly string[] = [
  'journal frame',
  'journal head',
  'ledger planned',
  'ledger sent',
  'ledger verified',
  'ledger published',
  'statement write-batches',
  'statement read-back',
  'statement append-ledger',
  ...publishing('shipping'),
]

/** While runs begin, are verified and are rolled back. */
export const RUNS: readonly string[] = [
  'ledger migration',
  'ledger registered',
  'ledger retired',
  'ledger rolledBack',
  'statement log-stock',
  'statement groups',
  'statement evidence',
  'statement winners-are-elected',
  ...publishing('runs'),
]
