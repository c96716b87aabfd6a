import DataLoader from 'dataloader'
import type { CorpusQuality } from '../domain/corpus-quality.ts'
import { type Breakdown, breakdownKey, type SessionCut, sessionCutKey } from '../domain/cuts.ts'
import { type Grouping, groupingKey } from '../domain/dimensions.ts'
import { isRefusal } from '../domain/errors.ts'
import type { Lacking } from '../domain/losses.ts'
import type { Scope } from '../domain/scope.ts'
import type { CacheStatus, Provenance, SourcePreference } from '../domain/source.ts'
import type { TokenAnswer, TokenFilter, TokenQuery } from '../domain/token-query.ts'
import type { SourceAnswer, SourceRequest } from '../ports/token-source.ts'
import { answerFrom, type SourcesAsked } from './answer-from.ts'
import type { Decision } from './decision.ts'
import { filterKey } from './question-key.ts'

/**
 * A section of an answer: a grouping, the whole alone, the sessions, a page of them or their number, a breakdown that is
 * cut, or the quality of the corpus.
 */
export type Section =
  | Grouping
  | 'whole'
  | 'sessions'
  | 'sessionCount'
  | 'quality'
  | { sessionPage: SessionCut }
  | { breakdown: Breakdown }

/** What is asked, and from which source the user would have it. */
export interface Question {
  filter: TokenFilter
  preference: SourcePreference
}

export interface Answered {
  /** Has at least the section that was asked for. */
  answer: TokenAnswer
  quality: CorpusQuality | undefined
  provenance: Provenance
}

/** The answers of one operation. */
export interface Answers {
  load(question: Question, section: Section): Promise<Answered>
  /** What all of them so far followed from; `undefined` where one of them would not be the same a moment later. */
  basis(): Basis | undefined
  /** Whether the answers of another operation, which followed from this, are what would be answered now. */
  stillHolds(basis: Basis): Promise<boolean>
}

/** What answers followed from: the same basis gives the same answers, but for the time as of which they are told. */
export interface Basis {
  groups: readonly AnsweredGroup[]
  migrationProgress: number
  generation: number | undefined
}

/** Questions that were answered together, each once: from the cache, by what one source counted. */
interface AnsweredGroup {
  questions: readonly Question[]
  decision: Decision
  state: string
  sample: boolean
  request: SourceRequest
}

export interface AnswersOptions extends SourcesAsked {
  /** What they may see. This is the one place where that comes to a question: none goes to a source without it. */
  access: readonly Scope[]
  /** Of the facts as they were when the operation began. */
  decide: (question: Question) => Decision
  migrationProgress: number
  /** Of what is published, when the operation began. */
  generation?: number | undefined
  /**
   * Whether answers lack something that was acknowledged or published before it is called: then they are stale. Called
   * before a source is asked.
   */
  lacking: () => Promise<Lacking>
  /** What an answer of the files does not have, because it was published and is not on this disk any more. */
  archived?: (answer: { quality: boolean; reason: Decision['reason'] }) => Promise<ArchivedHere>
  /** Looks up what models cost before anybody needs it. */
  learnPrices?: (models: Iterable<string>) => Promise<void>
  /** What was asked together, and by which decision it was answered. */
  onAsked?: ((request: SourceRequest, decision: Decision) => void) | undefined
  /** What is said of each answer of a source, once. */
  onAnswer?: (provenance: Provenance) => void
  /** How each question to a source ended, but for one that was refused, and how long that took. */
  onEnd?: (end: End) => void
}

/** `cache`: of the answer; `undefined` where there was none. */
export interface End {
  decision: Decision
  cache: CacheStatus | undefined
  ms: number
}

/** What was published and is not on this disk. */
export interface ArchivedHere {
  /** 0 where the quality is not asked for, and ClickHouse can be asked. */
  tokens: bigint
  /** An answer without it is stale, as it can be read nowhere now. */
  isStale: boolean
}

interface Key {
  question: Question
  section: Section
}

/**
 * Gathers everything that one operation asks for and puts it to each chosen source in one request, so that all
 * sections, of all its fields, are of the same moment. What resolvers ask for while the operation is resolved
 * comes in microtasks; the request goes out after them.
 */
export function createAnswers(options: AnswersOptions): Answers {
  const groups: (AnsweredGroup | undefined)[] = []
  // most operations are answered again, and load nothing
  let loader: DataLoader<Key, Answered, string> | undefined
  const newLoader = () =>
    new DataLoader<Key, Answered, string>((keys) => ask(options, keys, groups), {
      cacheKeyFn: ({ question, section }) => `${sectionKey(section)} ${questionKey(question)}`,
      batchScheduleFn: (dispatch) => setImmediate(dispatch),
      maxBatchSize: Number.POSITIVE_INFINITY,
    })
  return {
    load(question, section) {
      loader ??= newLoader()
      return loader.load({ question, section })
    },
    basis() {
      const known = groups.filter((group) => group !== undefined)
      if (known.length === 0 || known.length < groups.length) return undefined
      return { groups: known, migrationProgress: options.migrationProgress, generation: options.generation }
    },
    stillHolds: (basis) => stillHolds(options, basis),
  }
}

/** Asked for in the order in which a question is answered: what others lack, the source, what is archived. */
async function stillHolds(options: AnswersOptions, basis: Basis): Promise<boolean> {
  if (basis.migrationProgress !== options.migrationProgress || basis.generation !== options.generation) return false
  const lacking = await options.lacking()
  for (const { questions, decision, state } of basis.groups) {
    if (!questions.every((question) => isDecision(options.decide(question), decision))) return false
    if (options.sourceOf(decision.source)?.state() !== state) return false
  }
  const told: Provenance[] = []
  for (const { decision, sample } of basis.groups) {
    const archived = await archivedBeside({ sample }, decision, false, options)
    const provenance = provenanceOf({ answer: { asOf: 0, sample }, cache: 'HIT', decision, lacking, archived }, options)
    if (provenance.stale) return false
    told.push(provenance)
  }
  for (const provenance of told) options.onAnswer?.(provenance)
  for (const { request, decision } of basis.groups) options.onAsked?.(request, decision)
  return true
}

const isDecision = (a: Decision, b: Decision): boolean => sameDecision(a, b) && a.cohort === b.cohort

async function ask(
  options: AnswersOptions,
  keys: readonly Key[],
  answered: (AnsweredGroup | undefined)[],
): Promise<Answered[]> {
  const decisions = new Map<string, Decision>()
  for (const { question } of keys) {
    const key = questionKey(question)
    if (!decisions.has(key)) decisions.set(key, options.decide(question))
  }
  const decisionOf = ({ question }: Key): Decision => decisions.get(questionKey(question)) as Decision
  const groups = new Map<string, Promise<(key: Key) => Answered>>()
  for (const key of keys) {
    const decision = decisionOf(key)
    const name = `${decision.source} ${decision.reason}`
    if (!groups.has(name))
      groups.set(
        name,
        askSource(
          options,
          decision,
          keys.filter((other) => decisionOf(other) === decision || sameDecision(decisionOf(other), decision)),
          answered,
        ),
      )
  }
  return Promise.all(
    keys.map(async (key) => {
      const { source, reason } = decisionOf(key)
      return (await (groups.get(`${source} ${reason}`) as Promise<(key: Key) => Answered>))(key)
    }),
  )
}

const sameDecision = (a: Decision, b: Decision): boolean => a.source === b.source && a.reason === b.reason

async function askSource(
  options: AnswersOptions,
  decision: Decision,
  keys: readonly Key[],
  answered: (AnsweredGroup | undefined)[],
): Promise<(key: Key) => Answered> {
  const byFilter = Map.groupBy(keys, ({ question }) => filterKey(question.filter))
  // sorted, so that the same questions in another order have the same key in the cache
  const filters = [...byFilter.keys()].sort()
  const request: SourceRequest = {
    queries: filters.map((key) => queryOf(byFilter.get(key) as Key[])),
    access: options.access,
    quality: keys.some(({ section }) => section === 'quality'),
    generation: options.generation,
  }
  const decideAgain = (): Decision => options.decide((keys[0] as Key).question)
  const lacking = await options.lacking()
  const began = performance.now()
  const end = (by: Decision, cache: CacheStatus | undefined): void =>
    options.onEnd?.({ decision: by, cache, ms: performance.now() - began })
  const asked = answerFrom(options, decision, decideAgain, request)
  const {
    answer: found,
    cache,
    state,
    decision: made,
  } = await asked.catch((error: unknown) => {
    if (!isRefusal(error)) end(decision, undefined)
    throw error
  })
  end(made, cache)
  const archived = await archivedBeside(found, made, request.quality, options)
  const answer = withArchived(found, archived)
  await options.learnPrices?.(modelsIn(answer))
  const provenance = provenanceOf({ answer, cache, decision: made, lacking, archived }, options)
  options.onAnswer?.(provenance)
  options.onAsked?.(request, made)
  const questions = [...new Map(keys.map(({ question }) => [questionKey(question), question])).values()]
  // who may have a preference of their own is asked anew each time
  const isAuto = questions.every(({ preference }) => preference === 'AUTO')
  const isLasting = state !== undefined && !provenance.stale && !request.quality && isAuto
  answered.push(isLasting ? { questions, decision: made, state, sample: answer.sample, request } : undefined)
  return ({ question }) => ({
    answer: answer.answers[filters.indexOf(filterKey(question.filter))] as TokenAnswer,
    quality: answer.quality,
    provenance,
  })
}

/** Asked after the answer, so that nothing vanishes unnoticed in between. */
async function archivedBeside(
  { sample }: Pick<SourceAnswer, 'sample'>,
  { source, reason }: Decision,
  quality: boolean,
  options: AnswersOptions,
): Promise<ArchivedHere | undefined> {
  return source === 'LEGACY' && !sample ? options.archived?.({ quality, reason }) : undefined
}

const withArchived = (answer: SourceAnswer, archived: ArchivedHere | undefined): SourceAnswer =>
  archived === undefined || answer.quality === undefined
    ? answer
    : { ...answer, quality: { ...answer.quality, archivedTokens: archived.tokens } }

/** All sections that are asked for of one filter. */
function queryOf(keys: readonly Key[]): TokenQuery {
  const sections = keys.map(({ section }) => section)
  const [groupings, pages, breakdowns] = [new Map(), new Map(), new Map()] as [
    Map<string, Grouping>,
    Map<string, SessionCut>,
    Map<string, Breakdown>,
  ]
  for (const section of sections) {
    if (typeof section === 'string') continue
    if ('sessionPage' in section) pages.set(sessionCutKey(section.sessionPage), section.sessionPage)
    else if ('breakdown' in section) breakdowns.set(breakdownKey(section.breakdown), section.breakdown)
    else groupings.set(groupingKey(section), section)
  }
  return {
    filter: (keys[0] as Key).question.filter,
    groupings: inOrder(groupings),
    sessions: sections.includes('sessions'),
    countSessions: sections.includes('sessionCount'),
    ...(pages.size === 0 ? {} : { sessionPages: inOrder(pages) }),
    ...(breakdowns.size === 0 ? {} : { breakdowns: inOrder(breakdowns) }),
  }
}

/** The values of a map in the order of their names. */
const inOrder = <T>(named: ReadonlyMap<string, T>): T[] => [...named.keys()].sort().map((key) => named.get(key) as T)

/** Every model that has sums in it. */
function* modelsIn({ answers, quality }: SourceAnswer): Iterable<string> {
  for (const { whole } of answers) for (const { model } of whole) yield model
  for (const { model } of quality?.whole ?? []) yield model
}

interface Made {
  answer: Pick<SourceAnswer, 'asOf' | 'sample'>
  cache: CacheStatus
  decision: Decision
  lacking: Lacking
  archived: ArchivedHere | undefined
}

function provenanceOf(
  { answer: { asOf, sample }, cache, decision: { source, reason, cohort }, lacking, archived }: Made,
  { migrationProgress, lacksTranscripts = false }: Pick<AnswersOptions, 'migrationProgress' | 'lacksTranscripts'>,
): Provenance {
  const isBehind = source === 'LEGACY' || (source === 'HYBRID' && migrationProgress < 1)
  const lacks = lacking.everywhere || (source === 'LEGACY' && lacking.inFiles) || (lacksTranscripts && isBehind)
  const stale = cache === 'STALE' || lacks || archived?.isStale === true
  return { source, reason, cohort, cache, asOf, migrationProgress, stale, sample }
}

function sectionKey(section: Section): string {
  if (typeof section === 'string') return section
  if ('sessionPage' in section) return `page ${sessionCutKey(section.sessionPage)}`
  if ('breakdown' in section) return `breakdown ${breakdownKey(section.breakdown)}`
  return `by ${groupingKey(section)}`
}

const questionKey = ({ filter, preference }: Question): string => `${preference} ${filterKey(filter)}`
