// What is watched: each indicator is a row of one table, and everything that lists them follows from it.

export const SEVERITIES = ['MEDIUM', 'HIGH', 'CRITICAL'] as const
export type Severity = (typeof SEVERITIES)[number]

export const INDICATOR_STATES = ['OK', 'ALARM', 'BREACHED', 'UNKNOWN'] as const
export type IndicatorState = (typeof INDICATOR_STATES)[number]

export type RiskNumber = 1 | 2 | 3 | 4 | 5 | 6 | 7

interface Row {
  /** The risk that it warns of. */
  risk: RiskNumber
  /** `ratio`: 0 to 1. */
  unit: string
  /** From here on it warns; `null`: there is no line before the threshold. */
  alarm: number | null
  /** From here on what was promised is broken; `null`: it only warns. */
  threshold: number | null
  /** `above`: a value that reaches a line is past it. `below`: one that is less is. */
  bad: 'above' | 'below'
  /** Of the threshold; what only warns is MEDIUM. */
  severity: Severity
  /** By this server, or by people and CI, who enter it (`RISK_FIGURES_FILE`). */
  how: 'measured' | 'entered'
  /** Where its value comes from. */
  source: string
}

export const INDICATORS = {
  // risk 1: corruption during migration
  token_count_variance: {
    risk: 1,
    unit: 'ratio',
    alarm: 0.00001,
    threshold: 0.001,
    bad: 'above',
    severity: 'CRITICAL',
    how: 'measured',
    source: 'latest verification of the latest run: its difference over the tokens of its catalogue',
  },
  verification_difference: {
    risk: 1,
    unit: 'findings',
    alarm: null,
    threshold: 1,
    bad: 'above',
    severity: 'CRITICAL',
    how: 'measured',
    source:
      'latest verification of the latest run: tokens and records that differ, damaged batches, surplus logs, wrong winners or sums; none is accepted',
  },
  migration_error_rate: {
    risk: 1,
    unit: 'ratio',
    alarm: 0.001,
    threshold: 0.01,
    bad: 'above',
    severity: 'HIGH',
    how: 'measured',
    source: 'the run that is carried: what held it up over all groups of records, on the instance that publishes',
  },
  validation_failure_rate: {
    risk: 1,
    unit: 'ratio',
    alarm: null,
    threshold: 0.001,
    bad: 'above',
    severity: 'MEDIUM',
    how: 'measured',
    source: 'latest verification of the latest run: logs that differ over those that were compared',
  },
  migration_duration: {
    risk: 1,
    unit: 'seconds',
    alarm: null,
    threshold: 1800,
    bad: 'above',
    severity: 'MEDIUM',
    how: 'measured',
    source: 'how long the run that is carried has taken; 0 while none is',
  },
  migration_over_estimate: {
    risk: 1,
    unit: 'ratio',
    alarm: 1.5,
    threshold: 3,
    bad: 'above',
    severity: 'MEDIUM',
    how: 'measured',
    source: 'how long the run that is carried has taken over its estimate (a minute at least); 0 while none is',
  },
  // risk 2: slow under load
  storage_response_time: {
    risk: 2,
    unit: 'milliseconds',
    alarm: 150,
    threshold: 180,
    bad: 'above',
    severity: 'HIGH',
    how: 'measured',
    source: 'ingestTokenRecords of the last 5 minutes on this instance: 99 of 100 are acknowledged within it',
  },
  memory_usage: {
    risk: 2,
    unit: 'megabytes',
    alarm: 150,
    threshold: 180,
    bad: 'above',
    severity: 'MEDIUM',
    how: 'measured',
    source: "the least that this instance's process had in heap and buffers in the last minute",
  },
  storage_pending: {
    risk: 2,
    unit: 'calls',
    alarm: 100,
    threshold: null,
    bad: 'above',
    severity: 'MEDIUM',
    how: 'measured',
    source: 'the most calls of ingestTokenRecords that waited at once in the last 5 minutes on this instance',
  },
  pool_exhausted: {
    risk: 2,
    unit: 'calls',
    alarm: 1,
    threshold: null,
    bad: 'above',
    severity: 'MEDIUM',
    how: 'measured',
    source: 'calls to ClickHouse of the last 5 minutes on this instance that no connection was free for',
  },
  cache_latency: {
    risk: 2,
    unit: 'milliseconds',
    alarm: 100,
    threshold: null,
    bad: 'above',
    severity: 'MEDIUM',
    how: 'measured',
    source: 'how long Redis took to answer, asked every 30 s; while it does not: since when',
  },
  database_cpu: {
    risk: 2,
    unit: 'ratio',
    alarm: 0.7,
    threshold: null,
    bad: 'above',
    severity: 'MEDIUM',
    how: 'measured',
    source: "processor time that the database used since the look before, of all its machine's cores",
  },
  // risk 3: ClickHouse away
  database_unreachable: {
    risk: 3,
    unit: 'seconds',
    alarm: 30,
    threshold: 60,
    bad: 'above',
    severity: 'CRITICAL',
    how: 'measured',
    source: 'since when the database cannot be asked',
  },
  database_latency: {
    risk: 3,
    unit: 'milliseconds',
    alarm: 100,
    threshold: null,
    bad: 'above',
    severity: 'MEDIUM',
    how: 'measured',
    source: 'how long the ClickHouse server took to answer, asked every 30 s',
  },
  database_denials: {
    risk: 3,
    unit: 'statements',
    alarm: 1,
    threshold: null,
    bad: 'above',
    severity: 'MEDIUM',
    how: 'measured',
    source: 'statements of the last 5 minutes that ClickHouse refused: a wrong password, or a right that is missing',
  },
  database_disk: {
    risk: 3,
    unit: 'ratio',
    alarm: 0.8,
    threshold: 0.9,
    bad: 'above',
    severity: 'HIGH',
    how: 'measured',
    source: 'the fullest disk of the ClickHouse server; embedded: the disk of DATA_DIR',
  },
  journal_disk: {
    risk: 3,
    unit: 'ratio',
    alarm: 0.8,
    threshold: 0.9,
    bad: 'above',
    severity: 'CRITICAL',
    how: 'measured',
    source: 'the disk of JOURNAL_DIR',
  },
  // risk 4: breaking the dashboard
  dashboard_load_time: {
    risk: 4,
    unit: 'seconds',
    alarm: null,
    threshold: 2.5,
    bad: 'above',
    severity: 'MEDIUM',
    how: 'entered',
    source: 'CI: the page in a browser',
  },
  dashboard_answer_time: {
    risk: 4,
    unit: 'seconds',
    alarm: 2.5,
    threshold: 3,
    bad: 'above',
    severity: 'MEDIUM',
    how: 'measured',
    source: 'GraphQL queries of the last 5 minutes on this instance: 95 of 100 are answered within it',
  },
  api_error_rate: {
    risk: 4,
    unit: 'ratio',
    alarm: null,
    threshold: 0.01,
    bad: 'above',
    severity: 'HIGH',
    how: 'measured',
    source:
      'GraphQL operations of the last 5 minutes on this instance that failed for a reason of the bridge, of 20 at least',
  },
  flags_latency: {
    risk: 4,
    unit: 'milliseconds',
    alarm: 100,
    threshold: null,
    bad: 'above',
    severity: 'MEDIUM',
    how: 'measured',
    source: 'how long Unleash took to answer, asked every 30 s at least; while it does not: since when',
  },
  data_consistency_score: {
    risk: 4,
    unit: 'ratio',
    alarm: null,
    threshold: 0.99,
    bad: 'below',
    severity: 'CRITICAL',
    how: 'measured',
    source: 'comparisons of the last hour on this instance in which both sources said the same, of 20 at least',
  },
  // risk 5: security
  authentication_failures: {
    risk: 5,
    unit: 'requests',
    alarm: 60,
    threshold: 600,
    bad: 'above',
    severity: 'HIGH',
    how: 'measured',
    source: 'requests of the last 5 minutes on this instance whose token was bad, or did not allow what was asked',
  },
  unusual_access: {
    risk: 5,
    unit: 'alarms',
    alarm: 1,
    threshold: null,
    bad: 'above',
    severity: 'MEDIUM',
    how: 'measured',
    source:
      'alarms of the last 5 minutes on this instance: a caller with more requests, records or failures than is usual',
  },
  keys_latency: {
    risk: 5,
    unit: 'milliseconds',
    alarm: 100,
    threshold: null,
    bad: 'above',
    severity: 'MEDIUM',
    how: 'measured',
    source:
      'how long it took to fetch the keys of AUTH_JWKS_URL, asked every 30 s; while they cannot be: since when; the slowest set',
  },
  // risk 6: tests
  test_coverage: {
    risk: 6,
    unit: 'ratio',
    alarm: 0.95,
    threshold: 0.9,
    bad: 'below',
    severity: 'HIGH',
    how: 'entered',
    source: 'CI: lines of the core that tests reach',
  },
  flaky_tests: {
    risk: 6,
    unit: 'tests',
    alarm: 1,
    threshold: null,
    bad: 'above',
    severity: 'MEDIUM',
    how: 'entered',
    source: 'CI: tests of the last week that failed and passed on the same commit',
  },
  hotfixes: {
    risk: 6,
    unit: 'fixes',
    alarm: 3,
    threshold: null,
    bad: 'above',
    severity: 'MEDIUM',
    how: 'entered',
    source: 'people: fixes of the last week that could not wait for a release',
  },
  // risk 7: the timeline
  velocity_shortfall: {
    risk: 7,
    unit: 'ratio',
    alarm: 0.2,
    threshold: null,
    bad: 'above',
    severity: 'MEDIUM',
    how: 'entered',
    source: 'people: what was planned and is not done, of what was planned',
  },
  debt_growth: {
    risk: 7,
    unit: 'issues',
    alarm: 1,
    threshold: null,
    bad: 'above',
    severity: 'MEDIUM',
    how: 'entered',
    source: 'people: issues of technical debt, more than a week ago',
  },
} as const satisfies Record<string, Row>

export type IndicatorName = keyof typeof INDICATORS
type NamesOf<How extends Row['how']> = {
  [Name in IndicatorName]: (typeof INDICATORS)[Name]['how'] extends How ? Name : never
}[IndicatorName]
export type MeasuredName = NamesOf<'measured'>
export type EnteredName = NamesOf<'entered'>

export const INDICATOR_NAMES = Object.keys(INDICATORS) as IndicatorName[]
export const isIndicator = (name: string): name is IndicatorName => Object.hasOwn(INDICATORS, name)
export const rowOf = (name: IndicatorName): Row => INDICATORS[name]

/** Where a value stands between the lines; `undefined`: nothing was measured. */
export function judge(
  { alarm, threshold, bad }: Pick<Row, 'alarm' | 'threshold' | 'bad'>,
  value: number | undefined,
): IndicatorState {
  if (value === undefined || Number.isNaN(value)) return 'UNKNOWN'
  const isPast = (line: number | null): boolean => line !== null && (bad === 'above' ? value >= line : value < line)
  if (isPast(threshold)) return 'BREACHED'
  return isPast(alarm) ? 'ALARM' : 'OK'
}
