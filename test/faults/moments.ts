// The moments (`src/ports/moments.ts`) at which a server is killed, by what it is doing then.

/** While records come in, are shipped and are read. */
export const SHIPPING = [
  'journal frame',
  'journal head',
  'ledger planned',
  'ledger sent',
  'ledger verified',
  'ledger published',
  'statement write-batches',
  'statement read-back',
  'statement note-batches',
  'statement publish',
  'statement append-ledger',
] as const

/** While runs begin, are verified and are rolled back. */
export const RUNS = [
  'ledger migration',
  'ledger registered',
  'ledger retired',
  'ledger rolledBack',
  'statement log-stock',
  'statement publish-kept',
  'statement groups',
  'statement evidence',
  'statement winners-are-elected',
  'statement mark-batches',
  'statement drop-winners-next',
  'statement make-winners-next',
  'statement elect-slice',
  'statement swap-winners',
  'statement drop-old-winners',
  'statement drop-run',
  'statement delete-retired',
] as const
