import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** What the analysis tells of itself. */
export interface AnalysisFigures {
  transcripts: number
  records: number
  /** Copies that do not count and have other figures, of another user or another way in. */
  conflicts: number
  bytesRead: number
  refreshes: number
  /** Milliseconds since 1970; 0 before the first refresh. */
  refreshedAt: number
}

/** What a migration tells of itself: the latest run. */
export interface MigrationFigures {
  state: string
  progress: number
  tokensTotal: bigint
  tokensVerified: bigint
  filesVerified: number
  tokensPerSecond: number | null
  secondsLeft: number | null
  difference: bigint | null
  errorCount: number
}

/** What the audit log tells of itself. */
export interface AuditFigures {
  /** Of its last entry. */
  position: number
  isWritable: boolean
  /** Since the start, by what was unusual. */
  alarms: Readonly<Record<string, number>>
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

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

export function createMetrics(
  analysis: () => AnalysisFigures | undefined,
  migration: () => MigrationFigures | undefined,
  audit: () => AuditFigures,
): Metrics {
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
  addAnalysisGauges(registry, analysis)
  addRunGauges(registry, migration)
  addAuditGauges(registry, audit)
  return {
    expose: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
    request: (route, method, status, seconds) => requests.observe({ route, method, status }, seconds),
    operation: (type, outcome, seconds) => operations.observe({ type, outcome }, seconds),
    error: (code) => errors.inc({ code }),
    rateLimited: (budget) => refusals.inc({ budget }),
    sentAgain: () => again.inc(),
  }
}

/** Figure, name, help, and what the figure is multiplied by. */
const ANALYSIS_GAUGES: [keyof AnalysisFigures, string, string, number][] = [
  ['transcripts', 'token_bridge_transcripts', 'Transcripts on disk.', 1],
  ['records', 'token_bridge_token_records', 'Token records that are counted.', 1],
  [
    'conflicts',
    'token_bridge_conflicting_copies',
    'Copies that do not count and have other figures than the one that does, of another user or another way in.',
    1,
  ],
  ['bytesRead', 'token_bridge_transcript_bytes_read', 'Bytes of transcripts read since the start.', 1],
  ['refreshes', 'token_bridge_analysis_refreshes', 'Looks at all transcripts since the start.', 1],
  ['refreshedAt', 'token_bridge_analysis_refreshed_timestamp_seconds', 'When the last look began.', 0.001],
]

function addAnalysisGauges(registry: Registry, analysis: () => AnalysisFigures | undefined): void {
  for (const [figure, name, help, scale] of ANALYSIS_GAUGES)
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set((analysis()?.[figure] ?? 0) * scale)
      },
    })
}

const RUN_GAUGES: [string, string, (run: MigrationFigures) => number | null][] = [
  ['progress_ratio', 'Verified tokens of the latest run over those of its catalogue.', (run) => run.progress],
  ['tokens', 'Tokens that the latest run carries.', (run) => Number(run.tokensTotal)],
  ['tokens_verified', 'Of them, verified.', (run) => Number(run.tokensVerified)],
  ['files_verified', 'Transcripts of the latest run that are verified.', (run) => run.filesVerified],
  ['tokens_per_second', 'Rate of the latest run while it carries.', (run) => run.tokensPerSecond],
  ['seconds_left', 'At this rate.', (run) => run.secondsLeft],
  [
    'difference_tokens',
    'What the latest verification found.',
    (run) => (run.difference === null ? null : Number(run.difference)),
  ],
  ['errors', 'What held shipping up since the start.', (run) => run.errorCount],
]

function addRunGauges(registry: Registry, migration: () => MigrationFigures | undefined): void {
  for (const [name, help, pick] of RUN_GAUGES)
    new Gauge({
      name: `token_bridge_migration_${name}`,
      help,
      registers: [registry],
      collect() {
        const run = migration()
        const value = run === undefined ? null : pick(run)
        if (value === null) this.reset()
        else this.set(Number(value))
      },
    })
  new Gauge({
    name: 'token_bridge_migration_state',
    help: '1 for the state that the latest run is in.',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      this.reset()
      const run = migration()
      if (run !== undefined) this.set({ state: run.state }, 1)
    },
  })
}

function addAuditGauges(registry: Registry, audit: () => AuditFigures): void {
  const registers = [registry]
  new Gauge({
    name: 'token_bridge_audit_position',
    help: 'Position of the last entry of the audit log: it never goes back.',
    registers,
    collect() {
      this.set(audit().position)
    },
  })
  new Gauge({
    name: 'token_bridge_audit_writable',
    help: '1 while the audit log can be written; else nothing is changed.',
    registers,
    collect() {
      this.set(audit().isWritable ? 1 : 0)
    },
  })
  new Gauge({
    name: 'token_bridge_unusual_access_alarms',
    help: 'Alarms since the start: a caller with more requests, records or failures within a minute than is usual.',
    labelNames: ['measure'],
    registers,
    collect() {
      for (const [measure, alarms] of Object.entries(audit().alarms)) this.set({ measure }, alarms)
    },
  })
}
