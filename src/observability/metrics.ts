import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client'
import { type Family, registerFamilies } from './family.ts'
import { type AnswerFigures, answerFamilies } from './figures/answers.ts'
import { type DependencyFigures, dependencyFamilies } from './figures/dependencies.ts'
import {
  type AnalysisFigures,
  type AuditFigures,
  analysisFamilies,
  auditFamilies,
  flagFamilies,
  type MigrationFigures,
  type OverdueFlag,
  runFamilies,
} from './figures/parts.ts'
import { type ServiceFigures, serviceFamilies } from './figures/service.ts'
import { type ShadowFigures, shadowFamilies } from './figures/shadow.ts'
import { SECONDS } from './histogram.ts'
import { addRiskGauges, type IndicatorFigure } from './risk-figures.ts'

/** Where the figures are that are read when somebody asks for them. Whoever else wants them reads them there. */
export interface Figures {
  analysis: () => AnalysisFigures | undefined
  migration: () => MigrationFigures | undefined
  audit: () => AuditFigures
  overdue: () => readonly OverdueFlag[]
  shadow: () => ShadowFigures
  risk: () => readonly IndicatorFigure[]
  answers: AnswerFigures
  dependencies: DependencyFigures
  service: ServiceFigures
}

export interface Metrics {
  /** Prometheus' text format. */
  expose(): Promise<{ contentType: string; body: string }>
  request(route: string, method: string, status: number, seconds: number): void
  operation(type: string, outcome: 'ok' | 'error', seconds: number): void
  error(code: string): void
  /** A budget was used up. */
  rateLimited(budget: string): void
  /** A response was sent again as it was kept. */
  sentAgain(): void
}

const familiesOf = (figures: Figures): Family[] => [
  ...answerFamilies(figures.answers),
  ...dependencyFamilies(figures.dependencies),
  ...serviceFamilies(figures.service),
  ...analysisFamilies(figures.analysis),
  ...runFamilies(figures.migration),
  ...auditFamilies(figures.audit),
  ...flagFamilies(figures.overdue),
  ...shadowFamilies(figures.shadow),
]

export function createMetrics(figures: Figures): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const requests = new Histogram({
    name: 'token_bridge_http_request_duration_seconds',
    help: 'HTTP requests by route, method and status.',
    labelNames: ['route', 'method', 'status'],
    buckets: SECONDS,
    registers,
  })
  const operations = new Histogram({
    name: 'token_bridge_graphql_operation_duration_seconds',
    help: 'GraphQL operations by type and outcome.',
    labelNames: ['type', 'outcome'],
    buckets: SECONDS,
    registers,
  })
  const errors = new Counter({
    name: 'token_bridge_graphql_errors_total',
    help: 'Errors in GraphQL answers by code.',
    labelNames: ['code'],
    registers,
  })
  const refusals = new Counter({
    name: 'token_bridge_rate_limited_total',
    help: 'What was refused because a budget of a caller was used up, by budget.',
    labelNames: ['budget'],
    registers,
  })
  const again = new Counter({
    name: 'token_bridge_responses_sent_again_total',
    help: 'Answers that were sent as they were kept, without being made.',
    registers,
  })
  registerFamilies(registry, familiesOf(figures))
  addRiskGauges(registry, figures.risk)
  return {
    expose: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
    request: (route, method, status, seconds) => requests.observe({ route, method, status }, seconds),
    operation: (type, outcome, seconds) => operations.observe({ type, outcome }, seconds),
    error: (code) => errors.inc({ code }),
    rateLimited: (budget) => refusals.inc({ budget }),
    sentAgain: () => again.inc(),
  }
}
