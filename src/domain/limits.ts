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
  filterBytes: { value: 256 << 10, shown: '256 KiB', about: 'all names in the filters of one operation' },
  series: count(20, 'different time series (of a filter, a granularity and a zone) that one operation may ask for'),
  cost: count(100_000, 'values in the answer to one operation: its fields, times the items of the lists they are in'),
  depth: count(20, 'levels of fields of one GraphQL document'),
  fields: count(2000, 'fields of one GraphQL document, after its fragments are spread'),
  aliases: count(200, 'aliases of one GraphQL document, after its fragments are spread'),
  sessionsPage: count(500, 'sessions of one page'),
  documentTokens: count(5000, 'lexical tokens of one GraphQL document'),
  // bringing in
  ingestRecords: count(1000, 'records of one `ingestTokenRecords` call'),
  // connections and bytes
  // what is kept in memory
} as const satisfies Record<string, Limit>
