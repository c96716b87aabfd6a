/** The largest count that one field of one token record may have: one trillion. The same for every way in. */
export const MAX_TOKENS = 1_000_000_000_000

const SESSION_ID = /^[a-zA-Z0-9_-]{1,100}$/

/** Whether a text may be a session id: 1 to 100 of `a-zA-Z0-9_-`. The same for every way in. */
export function isSessionId(text: string): boolean {
  return SESSION_ID.test(text)
}

/** What one caller may ask for, send or hold: a row of the README's table of limits, which a test compares with these. */
export interface Limit {
  value: number
  /** How the value is shown to people. */
  shown: string
  about: string
}

const count = (value: number, about: string): Limit => ({ value, shown: value.toLocaleString('en-US'), about })

/** Every limit that a caller can meet, in the order of the README's table. */
export const LIMITS = {
  // asking
  filters: count(20, 'different filters that one operation may ask for'),
  filterNames: count(1000, 'names in one list of a filter'),
  documentTokens: count(5000, 'lexical tokens of one GraphQL document'),
  summedRecords: count(
    8_000_000,
    'records × filters × (groupings + 1) that one operation may have summed from the files; 5 filters with every grouping always may',
  ),
  answerSums: count(500_000, 'sums (of a group, a model and a context tier) in the answer to one operation'),
  pendingQuestions: count(100, 'questions of one user that wait to be answered by a source'),
  // bringing in
  ingestRecords: count(1000, 'records of one `ingestTokenRecords` call'),
  nameLength: count(200, 'characters of a name, a message or request id, or an idempotency key that comes in'),
  pathLength: count(1000, 'characters of `origin.path`'),
  ingestMistakes: count(100, 'mistakes of a call that are told in full; of each further record the first one'),
  onceAnOperation: count(
    1,
    '`ingestTokenRecords`, and `setSourcePreference`, of one operation, and uses of a variable in their arguments',
  ),
  preferenceChanges: count(60, 'changes of their stored preference that a user may make in an hour'),
  // connections and bytes
  // what is kept in memory
  rememberedBytes: {
    value: 32 << 20,
    shown: '32 MB',
    about:
      'of idempotency keys with their answers; a call under a forgotten key is no repeat, and counts nothing twice',
  },
} as const satisfies Record<string, Limit>
