// Documents of a trial, each of a few kilobytes, that killed the server or held it for minutes; `scale` shrinks them.

const many = (n: number, text: (i: number) => string): string => Array.from({ length: n }, (_, i) => text(i)).join(' ')

/** 400 aliases × a fragment of 100 pages of 500 sessions. */
export const ALIASES_TIMES_FRAGMENT = (scale = 1) => `
  query { ${many(Math.ceil(400 * scale), (i) => `a${i}: tokenMetrics { ...Pages }`)} }
  fragment Pages on TokenMetrics { ${many(Math.ceil(100 * scale), (i) => `p${i}: sessions(first: 500) { ...Page }`)} }
  fragment Page on SessionConnection { edges { node { id tokens { total } } } }`

/** 500 sessions × 5 × n × n fields. */
export const NESTED_FRAGMENTS = (n: number) => `
  query { tokenMetrics { sessions(first: 500) { edges { node { ${many(5, (i) => `m${i}: byModel { ...A }`)} } } } } }
  fragment A on ModelUsage { ${many(n, (i) => `a${i}: tokens { ...B }`)} }
  fragment B on TokenCounts { ${many(n, (i) => `b${i}: total`)} }`

/** Each fragment spreads the next one twice: 2^n fields. */
export const DOUBLING = (n: number) => `
  query { tokenMetrics { ...F0 } }
  ${many(n, (i) => `fragment F${i} on TokenMetrics { ...F${i + 1} ...F${i + 1} }`)}
  fragment F${n} on TokenMetrics { recordCount }`

/** A fragment that spreads itself is invalid. */
export const CYCLE = `query { tokenMetrics { ...A } }
  fragment A on TokenMetrics { recordCount ...B } fragment B on TokenMetrics { recordCount ...A }`

export const DEEP = (n: number) => `query { ${'tokenMetrics { '.repeat(n)} recordCount ${'}'.repeat(n)} }`

/** The same series in n zones. */
export const ZONES = (zones: readonly string[], granularity = 'HOUR') =>
  `{ tokenMetrics { ${many(zones.length, (i) => `z${i}: timeSeries(granularity: ${granularity}, timeZone: "${zones[i]}") { label }`)} } }`

/** The same field n times in one place, as a merge of fragments makes it. */
export const EQUAL_FIELDS = (n: number) => `{ ${many(n, () => 'tokenMetrics { recordCount }')} }`

/** Equal fields that are not equal: each two of them are a mistake. */
export const CONFLICTS = (n: number, between = ' ') =>
  `{ ${Array.from({ length: n }, (_, i) => `session(id: "${i}") { id }`).join(between)} }`
