import DataLoader from 'dataloader'
import type { CorpusQuality } from '../domain/corpus-quality.ts'
import { BridgeError } from '../domain/errors.ts'
import type { CacheStatus, Provenance, SourceDecision } from '../domain/source.ts'
import type { Grouping, TokenAnswer, TokenFilter, TokenQuery } from '../domain/token-query.ts'
import type { SourceAnswer } from '../ports/token-source.ts'
import type { CachedSource } from './cached-source.ts'

/** A section of an answer: a grouping, the whole alone, or the quality of the corpus. */
export type Section = Grouping | 'whole' | 'quality'

export interface Answered {
  /** Has at least the section that was asked for. */
  answer: TokenAnswer
  quality: CorpusQuality | undefined
  provenance: Provenance
}

/** The answers of one operation. */
export interface Answers {
  load(filter: TokenFilter, section: Section): Promise<Answered>
}

/** Different filters that one operation may ask for; each costs a pass over all records. */
export const MAX_FILTERS = 20

interface Key {
  filter: TokenFilter
  section: Section
}

/**
 * Gathers everything that one operation asks for and puts it to the source in one request, so that all
 * sections, of all its fields, are of the same moment. What resolvers ask for while the operation is
 * resolved comes in microtasks; the request goes out after them.
 */
export function createAnswers(source: CachedSource, decision: SourceDecision): Answers {
  const loader = new DataLoader<Key, Answered, string>((keys) => ask(source, decision, keys), {
    cacheKeyFn: ({ filter, section }) => `${section} ${filterKey(filter)}`,
    batchScheduleFn: (dispatch) => setImmediate(dispatch),
    maxBatchSize: Number.POSITIVE_INFINITY,
  })
  return { load: (filter, section) => loader.load({ filter, section }) }
}

async function ask(source: CachedSource, decision: SourceDecision, keys: readonly Key[]): Promise<Answered[]> {
  const queries = new Map<string, TokenQuery & { groupings: Grouping[]; index: number }>()
  for (const { filter, section } of keys) {
    const key = filterKey(filter)
    const query = queries.get(key) ?? { filter, groupings: [], index: queries.size }
    queries.set(key, query)
    if (section !== 'whole' && section !== 'quality' && !query.groupings.includes(section))
      query.groupings.push(section)
  }
  if (queries.size > MAX_FILTERS)
    throw new BridgeError(
      'QUERY_TOO_EXPENSIVE',
      `one operation may ask for ${MAX_FILTERS} different filters, not ${queries.size}`,
    )
  const { answer: answered, cache } = await source.answer({
    queries: [...queries.values()].map(({ filter, groupings }) => ({ filter, groupings })),
    quality: keys.some(({ section }) => section === 'quality'),
  })
  const provenance = provenanceOf(answered, cache, decision)
  return keys.map(({ filter }) => ({
    answer: answered.answers[queries.get(filterKey(filter))?.index ?? -1] as TokenAnswer,
    quality: answered.quality,
    provenance,
  }))
}

function provenanceOf({ asOf, sample }: SourceAnswer, cache: CacheStatus, decision: SourceDecision): Provenance {
  return { ...decision, cohort: null, cache, asOf, migrationProgress: 0, stale: cache === 'STALE', sample }
}

/** The same for filters that select the same: the order of names does not matter. */
function filterKey(filter: TokenFilter): string {
  const sorted = (names: readonly string[] | undefined): readonly string[] | undefined => names?.toSorted()
  return JSON.stringify([
    filter.from,
    filter.to,
    sorted(filter.projects),
    sorted(filter.models),
    sorted(filter.sessionIds),
    sorted(filter.users),
    sorted(filter.hosts),
  ])
}
