import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { createMetrics } from '../../src/observability/metrics.ts'
import { noFigures } from '../support/no-figures.ts'
import { metricsIn } from '../support/promql.ts'
import { sectionsOf } from '../support/sections.ts'

let families: { name: string; type: string; help: string }[]
beforeAll(async () => {
  const { body } = await createMetrics(noFigures()).expose()
  families = [...body.matchAll(/^# HELP (\S+) (.*)\n# TYPE \S+ (\w+)$/gm)].map(([, name, help, type]) => ({
    name: name as string,
    help: help as string,
    type: type as string,
  }))
})
const ours = () => families.filter(({ name }) => name.startsWith('token_bridge_'))

/** Names of series: a histogram has three. */
const series = () =>
  new Set([
    // whether Prometheus gets an answer
    'up',
    ...families.flatMap(({ name, type }) =>
      type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
    ),
  ])

interface Rule {
  alert: string
  expr: string
  for?: string
  labels: { severity: string }
  annotations: { summary: string; runbook_url: string }
}

const RULES = (parse(readFileSync('monitoring/alerts.yml', 'utf8')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  ({ rules }) => rules,
)
const { panels: PANELS } = JSON.parse(readFileSync('monitoring/board.json', 'utf8')) as {
  panels: { title: string; targets: { expr: string }[] }[]
}
const unknownIn = (expression: string): string[] => metricsIn(expression).filter((name) => !series().has(name))

describe('an alert for Prometheus', () => {
  test('has a name of its own', () => {
    expect(RULES.length).toBeGreaterThan(10)
    expect(new Set(RULES.map(({ alert }) => alert)).size).toBe(RULES.length)
  })

  test.each(RULES)('$alert asks what Prometheus understands, of metrics that there are', (rule) => {
    expect(rule.alert).toMatch(/^TokenBridge\w+$/)
    expect(unknownIn(rule.expr)).toEqual([])
    if (rule.for !== undefined) expect(rule.for).toMatch(/^\d+[smh]$/)
    expect(rule.labels.severity).toMatch(/^(critical|high|medium)$/)
    expect(rule.annotations.summary.length).toBeGreaterThan(20)
  })

  test.each(RULES)('$alert has a section of a runbook, which says what to do', ({ alert, annotations }) => {
    const [path, anchor] = annotations.runbook_url.split('#') as [string, string]
    expect(path).toMatch(/^docs\/runbooks\/\w+\.md$/)
    expect(anchor).toBe(alert.toLowerCase())
    expect(sectionsOf(path).get(anchor)?.length, `${path} has nothing under ${anchor}`).toBeGreaterThan(60)
  })

  /** The question of one, in one line. */
  const questionOf = (name: string): string | undefined =>
    RULES.find(({ alert }) => alert === name)?.expr.replace(/\s+/g, ' ')

  test('is there for each indicator of risk, and for a bridge that does not answer', () => {
    expect(questionOf('TokenBridgeRiskBreached')).toBe('token_bridge_risk_indicator_state{state="BREACHED"} == 1')
    expect(questionOf('TokenBridgeRiskAlarm')).toBe('token_bridge_risk_indicator_state{state="ALARM"} == 1')
    expect(questionOf('TokenBridgeAway')).toBe('up{job="token-bridge"} == 0')
    // as it is named where scraping is described
    expect(readFileSync('docs/operations.md', 'utf8')).toContain('- job_name: token-bridge\n')
  })

  test('warns though a series is missing, or comes and goes', () => {
    // no answer at all, since the start
    expect(questionOf('TokenBridgeAnswersFail')).toContain('(sum(rate(token_bridge_answers_total[5m])) or vector(0))')
    // one that is tried is half-open for a moment, again and again
    expect(questionOf('TokenBridgeBreakerOpen')).toBe('token_bridge_breaker_state{state="closed"} == 0')
    // of a run that was rolled back readers see nothing
    expect(questionOf('TokenBridgeMigrationDiffers')).toContain('unless on (instance) token_bridge_migration_state')
  })

  test('sees the first time that the files answer instead', async () => {
    const { body } = await createMetrics(noFigures()).expose()
    expect(body.match(/^token_bridge_fallbacks_total\{.*/gm)).toEqual([
      'token_bridge_fallbacks_total{source="CLICKHOUSE"} 0',
      'token_bridge_fallbacks_total{source="HYBRID"} 0',
    ])
  })

  test('is there for each section of their runbook', () => {
    const sections = [...sectionsOf('docs/runbooks/prometheus.md').keys()]
    expect(sections).toEqual(RULES.map(({ alert }) => alert.toLowerCase()))
  })
})

describe('the board', () => {
  test.each(PANELS)('draws $title from one question, of metrics that there are', ({ targets }) => {
    expect(targets.map(({ expr }) => unknownIn(expr))).toEqual([[]])
  })
})

describe('a question that is no PromQL', () => {
  test.each([
    'sum(rate(token_bridge_answers_total[5m])',
    'token_bridge_answers_total{source=LEGACY}',
    'rate(token_bridge_answers_total[5x])',
    '1',
  ])('is noticed: %s', (expression) => {
    expect(() => metricsIn(expression)).toThrow()
  })
})

describe('the metrics', () => {
  test('are all in the table of docs/operations.md, as they are', () => {
    const rows = [
      ...readFileSync('docs/operations.md', 'utf8').matchAll(/^\| `(token_bridge_\w+)` \| (\w+) \| (.+) \|$/gm),
    ]
    expect(rows.map(([, name, type, help]) => ({ name, type, help }))).toEqual(ours())
  })

  test('that only grow are counters, and are called so, and no other is', () => {
    for (const { name, type } of ours()) expect([name, name.endsWith('_total')]).toEqual([name, type === 'counter'])
  })

  test('of times and sizes name their unit at the end', () => {
    for (const { name, type } of ours()) if (type === 'histogram') expect(name).toMatch(/_seconds$/)
    for (const { name } of ours())
      expect(name).not.toMatch(/(_ms|_millis|_minutes|_mb|_seconds_left|_bytes_\w+(?<!_total))$/)
  })
})
