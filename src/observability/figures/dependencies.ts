import { BREAKERS } from '../../policies/policies.ts'
import { BREAKER_STATES, type BreakerState, hearMeasured, type RedisOutcome } from '../../ports/measured.ts'
import { type Family, oneOf } from '../family.ts'
import { type Histogram, newHistogram, observe } from '../histogram.ts'

/** What was asked of whatever the service depends on, since the start. */
export interface DependencyFigures {
  /** By name. */
  statements(): ReadonlyMap<string, { took: Histogram; failures: number }>
  /** By `DEPENDENCY USE`. */
  breakers(): ReadonlyMap<string, BreakerState>
  /** Answers that were looked up, or kept. */
  redis(): ReadonlyMap<RedisOutcome, Histogram>
  close(): void
}

/** There are many statements, each named in code (`clickhouse/statement-names.ts`): few ranges. */
const STATEMENT_SECONDS = [0.01, 0.1, 1, 10]
const REDIS_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25]

/** Hears what is measured in this process (`ports/measured.ts`). */
export function createDependencyFigures(): DependencyFigures {
  const statements = new Map<string, { took: Histogram; failures: number }>()
  const breakers = new Map(BREAKERS.map(({ dependency, use }) => [`${dependency} ${use}`, 'closed' as BreakerState]))
  const redis = new Map<RedisOutcome, Histogram>()
  const deaf = [
    hearMeasured('statement', ({ name, seconds, failed }) => {
      const of = statements.get(name) ?? { took: newHistogram(STATEMENT_SECONDS), failures: 0 }
      statements.set(name, of)
      observe(of.took, seconds)
      if (failed) of.failures++
    }),
    hearMeasured('breaker', ({ of, state }) => void (breakers.has(of) && breakers.set(of, state))),
    hearMeasured('redis', ({ outcome, seconds }) => {
      const took = redis.get(outcome) ?? newHistogram(REDIS_SECONDS)
      redis.set(outcome, took)
      observe(took, seconds)
    }),
  ]
  return {
    statements: () => statements,
    breakers: () => breakers,
    redis: () => redis,
    close() {
      for (const end of deaf) end()
    },
  }
}

export const dependencyFamilies = (figures: DependencyFigures): Family[] => [
  {
    name: 'token_bridge_clickhouse_statement_seconds',
    type: 'histogram',
    help: 'How long statements of ClickHouse took, each attempt, by their names.',
    labelNames: ['statement'],
    values: () => Array.from(figures.statements(), ([statement, { took }]) => [{ statement }, took]),
  },
  {
    name: 'token_bridge_clickhouse_statement_failures_total',
    type: 'counter',
    help: 'Of them, those that failed.',
    labelNames: ['statement'],
    values: () => Array.from(figures.statements(), ([statement, { failures }]) => [{ statement }, failures]),
  },
  {
    name: 'token_bridge_breaker_state',
    type: 'gauge',
    help: '1 for the state of the circuit breaker of each kind of calls: closed, open (left alone), half-open (tried).',
    labelNames: ['dependency', 'use', 'state'],
    values: () =>
      BREAKERS.flatMap(({ dependency, use }) =>
        oneOf(BREAKER_STATES, figures.breakers().get(`${dependency} ${use}`) ?? 'closed', { dependency, use }),
      ),
  },
  {
    name: 'token_bridge_redis_answer_seconds',
    type: 'histogram',
    help: 'How long Redis took to look up an answer (hit, miss), to keep one (kept), or to fail.',
    labelNames: ['outcome'],
    values: () => Array.from(figures.redis(), ([outcome, took]) => [{ outcome }, took]),
  },
]
