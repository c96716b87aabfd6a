import type { Answer } from './server-process.ts'

/** Tokens and records. */
export interface Counted {
  tokens: bigint
  records: bigint
}

/** Projects of a world's records: of transcripts that stay, of transcripts that are pruned, of mutations. */
export const PROJECTS = ['p', 'gone', 'q'] as const
export type ByProject<T> = Record<(typeof PROJECTS)[number], T>

/** The least and the most that may be told. */
export interface Bounds {
  least: Counted
  most: Counted
}

/** What a server tells: of everything, and of each project at the same moment. */
export interface Told {
  source: string
  /** Why it was that source. */
  reason: string
  stale: boolean
  /** It says that something is lost. */
  lacks: boolean
  whole: Counted
  parts: ByProject<Counted>
  run: { id: string; state: string; tokensVerified: bigint } | undefined
  /** It says whether there is a run; not while it cannot ask the database. */
  knowsRuns: boolean
}

const METRICS = '{ tokens { total } recordCount provenance { source reason stale cache } }'

/** Before anything that is planted or sent. */
export const LONG_AGO = '2000-01-01T00:00:00Z'

/** Asks for all that is judged. `from`: another one makes the same question another one, to which others have no answer. */
export const questionOf = (preference: string, from = LONG_AGO): string => {
  const metricsOf = (filter: string): string =>
    `tokenMetrics(preference: ${preference}, filter: { from: "${from}"${filter} }) ${METRICS}`
  return `{
    whole: ${metricsOf('')}
    ${PROJECTS.map((name) => `${name}: ${metricsOf(`, projects: ["${name}"]`)}`).join('\n')}
    migration { id state tokensVerified }
  }`
}

/** `undefined` where there was no answer: it was refused, or the server was killed. */
export function toldIn(answer: Answer | undefined): Told | undefined {
  const { data } = answer ?? {}
  if (!data?.whole) return undefined
  const run = data.migration
  return {
    source: data.whole.provenance.source,
    reason: data.whole.provenance.reason,
    stale: data.whole.provenance.stale,
    lacks: data.whole.provenance.stale && data.whole.provenance.cache !== 'STALE',
    whole: countedIn(data.whole),
    parts: byProject((name) => countedIn(data[name])),
    knowsRuns: !answer?.errors?.some(({ path }) => path?.[0] === 'migration'),
    run: run ? { id: run.id, state: run.state, tokensVerified: BigInt(run.tokensVerified) } : undefined,
  }
}

const countedIn = (metrics: { tokens: { total: string }; recordCount: string }): Counted => ({
  tokens: BigInt(metrics.tokens.total),
  records: BigInt(metrics.recordCount),
})

/** What is wrong with what was told: outside of its bounds, or not of one moment. An answer that is stale may have less. */
export function differencesIn({ source, stale, whole, parts }: Told, bounds: ByProject<Bounds>): string[] {
  const from = `from ${source}${stale ? ' (stale)' : ''}`
  const sum = PROJECTS.map((name) => parts[name]).reduce(plus)
  return [
    ...PROJECTS.filter((name) => !isWithin(parts[name], bounds[name], stale)).map(
      (name) =>
        `${textOf(parts[name])} of ${name} ${from}, at least ${textOf(bounds[name].least)}, at most ${textOf(bounds[name].most)}`,
    ),
    ...(isEqual(sum, whole) ? [] : [`${textOf(whole)} of all ${from}, and ${textOf(sum)} of all projects together`]),
  ]
}

export const NOTHING: Counted = { tokens: 0n, records: 0n }
export const plus = (a: Counted, b: Counted): Counted => ({
  tokens: a.tokens + b.tokens,
  records: a.records + b.records,
})
export const minus = (a: Counted, b: Counted): Counted => ({
  tokens: a.tokens - b.tokens,
  records: a.records - b.records,
})
/** What has everything that either of two counts has has at least this. */
export const atLeast = (a: Counted, b: Counted): Counted => ({
  tokens: a.tokens > b.tokens ? a.tokens : b.tokens,
  records: a.records > b.records ? a.records : b.records,
})
export const byProject = <T>(make: (name: (typeof PROJECTS)[number]) => T): ByProject<T> => ({
  p: make('p'),
  gone: make('gone'),
  q: make('q'),
})

const isEqual = (a: Counted, b: Counted): boolean => a.tokens === b.tokens && a.records === b.records
const isWithin = ({ tokens, records }: Counted, { least, most }: Bounds, stale: boolean): boolean =>
  tokens <= most.tokens && records <= most.records && (stale || (tokens >= least.tokens && records >= least.records))

const textOf = ({ tokens, records }: Counted): string => `${tokens} tokens in ${records} records`
