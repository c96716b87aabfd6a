import type { CacheStatus, DataSource, RoutingReason } from '../../domain/source.ts'
import type { Cohort } from '../../ports/flags.ts'
import type { Family, Labels } from '../family.ts'
import { type Histogram, newHistogram, observe, SECONDS } from '../histogram.ts'

/** What is told apart of answers: everything that there can be is named in code, so that there are never more series. */
export interface AnswerKind {
  source: DataSource
  reason: RoutingReason
  cohort: Cohort | null
  cache: CacheStatus
}

type FailureKind = Omit<AnswerKind, 'cache'>
type Answered = AnswerKind & { took: Histogram }

/** What sources answered: each answer once, however many questions of an operation it answers. */
export interface AnswerFigures {
  /** `seconds`: from the question to the source until its answer, cached or not. */
  answered(kind: AnswerKind, seconds: number): void
  /** Nobody could answer. */
  failed(kind: FailureKind): void
  /** The source that was chosen failed, and the files answered instead. */
  fellBack(source: DataSource): void
  answers(): Iterable<Answered>
  failures(): Iterable<FailureKind & { count: number }>
  fallbacks(): Readonly<Partial<Record<DataSource, number>>>
}

export function createAnswerFigures(): AnswerFigures {
  /** In a row for each cohort and cache status of it: found without making a text for each answer. */
  const cells = new Map<DataSource, Map<RoutingReason, Answered[]>>()
  const failures = new Map<string, FailureKind & { count: number }>()
  // told from the start: Prometheus takes no notice of the first of a series that was not there
  const fallbacks: Partial<Record<DataSource, number>> = { CLICKHOUSE: 0, HYBRID: 0 }
  const rowOf = (source: DataSource, reason: RoutingReason): Answered[] => {
    const ofSource = cells.get(source) ?? new Map<RoutingReason, Answered[]>()
    const row = ofSource.get(reason) ?? []
    cells.set(source, ofSource.set(reason, row))
    return row
  }
  const cellOf = ({ source, reason, cohort, cache }: AnswerKind): Answered => {
    const row = cells.get(source)?.get(reason) ?? rowOf(source, reason)
    const known = row.find((cell) => cell.cohort === cohort && cell.cache === cache)
    if (known !== undefined) return known
    const cell = { source, reason, cohort, cache, took: newHistogram(SECONDS) }
    row.push(cell)
    return cell
  }
  return {
    answered: (kind, seconds) => observe(cellOf(kind).took, seconds),
    failed({ source, reason, cohort }) {
      const key = `${source} ${reason} ${cohort}`
      const known = failures.get(key) ?? { source, reason, cohort, count: 0 }
      known.count++
      failures.set(key, known)
    },
    fellBack(source) {
      fallbacks[source] = (fallbacks[source] ?? 0) + 1
    },
    answers: () => [...cells.values()].flatMap((ofSource) => [...ofSource.values()].flat()),
    failures: () => failures.values(),
    fallbacks: () => fallbacks,
  }
}

/** Whom the experiment does not decide for. */
const NO_COHORT = 'none'

const labelsOf = ({ source, reason, cohort }: FailureKind): Labels => ({ source, reason, cohort: cohort ?? NO_COHORT })

const KIND = ['source', 'reason', 'cohort', 'cache']

export const answerFamilies = (figures: AnswerFigures): Family[] => [
  {
    name: 'token_bridge_answers_total',
    type: 'counter',
    help: 'Answers of sources: which one answered, why, in which arm of the experiment, and whether from the cache.',
    labelNames: KIND,
    values: () =>
      Array.from(figures.answers(), ({ took, ...kind }) => [{ ...labelsOf(kind), cache: kind.cache }, took.count]),
  },
  {
    name: 'token_bridge_answer_seconds',
    type: 'histogram',
    help: 'How long these answers took, from the question to the source on.',
    labelNames: KIND,
    values: () =>
      Array.from(figures.answers(), ({ took, ...kind }) => [{ ...labelsOf(kind), cache: kind.cache }, took]),
  },
  {
    name: 'token_bridge_answer_failures_total',
    type: 'counter',
    help: 'Questions that nobody could answer, by the source that was chosen. Refusals are none.',
    labelNames: ['source', 'reason', 'cohort'],
    values: () => Array.from(figures.failures(), ({ count, ...kind }) => [labelsOf(kind), count]),
  },
  {
    name: 'token_bridge_fallbacks_total',
    type: 'counter',
    help: 'Times that the source that was chosen failed, so that the files answered.',
    labelNames: ['source'],
    values: () => Object.entries(figures.fallbacks()).map(([source, count]) => [{ source }, count]),
  },
]
