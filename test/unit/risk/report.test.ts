import { expect, test } from 'vitest'
import type { AlertEntry } from '../../../src/ports/journal.ts'
import { createAlertBook } from '../../../src/risk/alert-book.ts'
import { riskReport } from '../../../src/risk/report.ts'
import { createRiskWatch } from '../../../src/risk/watch.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const NOW = Date.parse('2026-04-30T12:00:00Z')

type Happened = [at: number, name: string, event: AlertEntry['event'], more?: Partial<AlertEntry>]
const CRITICAL = { severity: 'CRITICAL', since: NOW - 2 * DAY - 60_000 } as const

async function reportOf(happened: Happened[] = [], noted?: Record<string, number>) {
  const book = createAlertBook()
  for (const [at, name, event, more] of happened)
    book.remember({ kind: 'alert', at, instance: 'a', name, event, text: 'it was so', ...more })
  const watch = createRiskWatch({
    measures: { memory_usage: () => ({ value: 190 }) } as never,
    entered: async () => ({ test_coverage: { value: 0.97 } }),
    now: () => NOW,
    onFailed: () => undefined,
  })
  const before = noted && { at: NOW - 7 * DAY, values: noted }
  return riskReport({ indicators: await watch.evaluate(), before, alerts: book.all(), days: 7, now: NOW })
}

test('the weekly review says what is past its line, what moved, what worked, and which score is too low', async () => {
  const report = await reportOf([
    // twenty days of a database that is slow to answer, of a risk with probability 5
    [NOW - 28 * DAY, 'dashboard_answer_time', 'raised'],
    [NOW - 8 * DAY, 'dashboard_answer_time', 'recovered'],
    [NOW - 2 * DAY, 'guard_tripped', 'raised', CRITICAL],
    [NOW - 2 * DAY + HOUR, 'guard_tripped', 'recovered'],
    [NOW - HOUR, 'memory_usage', 'raised'],
  ])
  expect(report).toMatch(/^# Risks, 2026-04-23 to 2026-04-30\n/)
  expect(report).toContain('- BREACHED memory_usage: 190 megabytes, alarm line 150, threshold 180')
  expect(report).toContain('- MEDIUM memory_usage: opened 2026-04-30 11:00 UTC, OPEN, level 1: it was so')
  expect(report).toContain('- CRITICAL guard_tripped: opened 2026-04-28 12:00 UTC, closed 2026-04-28 13:00 UTC')
  expect(report).not.toContain('dashboard_answer_time: opened')
  expect(report).toContain(
    '4. Breaking the dashboard: 0 % of 1 alerts came to no incident; 1 incident, over after 60 min',
  )
  expect(report).toContain('- detection speed: 60 s')
  expect(report).toContain('- recovery time: 60 min')
  expect(report).toContain('- impact reduction: 88 %')
  expect(report).toContain(
    '- 4. Breaking the dashboard: probability 5 to 7: alerts of it were open on 22 of the last 28 days',
  )
})

test('an incident of the week is told with its course, and one that goes on as not over', async () => {
  const began = NOW - 2 * DAY
  const report = await reportOf([
    [began - 20 * DAY, 'guard_tripped', 'raised', { severity: 'CRITICAL', text: 'long ago' }],
    [began - 20 * DAY + HOUR, 'guard_tripped', 'recovered'],
    [began, 'guard_tripped', 'raised', { ...CRITICAL, since: began - 700 }],
    [began + 2 * HOUR, 'guard_tripped', 'escalated', { level: 2, text: 'nobody has acknowledged it' }],
    [began + 2 * HOUR + 1, 'guard_tripped', 'acknowledged', { text: 'I look', by: 'olga' }],
    [began + 3 * HOUR, 'guard_tripped', 'recovered', { text: 'the guard was reset' }],
    [NOW - HOUR, 'journal_disk', 'raised', CRITICAL],
  ])
  expect(report).toContain(
    '- CRITICAL guard_tripped: opened 2026-04-28 12:00 UTC, closed 2026-04-28 15:00 UTC, level 2, seen to by olga: ',
  )
  const incidents = /## Incidents\n\n(.*?)\n\n##/s.exec(report)?.[1]
  expect(incidents?.split('\n')).toEqual([
    '- journal_disk: it was so',
    expect.stringMatching(/^ {2}- began 2026-04-28 11:59 UTC, noticed after \S+ h, not over$/),
    '- guard_tripped: it was so',
    '  - began 2026-04-28 11:59 UTC, noticed after 0.7 s, over after 3.0 h',
    '  - 2026-04-28 14:00 UTC: level 2: nobody has acknowledged it',
    '  - 2026-04-28 14:00 UTC: acknowledged: I look, by olga',
    '  - 2026-04-28 15:00 UTC: the guard was reset',
  ])
  expect(await reportOf()).toContain('## Incidents\n\nnone\n')
})

test('a week in which nothing happened says so, and makes nothing up', async () => {
  const report = await reportOf()
  expect(report).toContain('no alert opened or closed')
  expect(report).toContain('- prevention rate: not known: nothing happened')
  expect(report).toContain('- storage_response_time (measured: ')
  expect(report).not.toContain('- test_coverage (')
  expect(report).toMatch(/## Scores to change\n\nnone/)
})

test('what moved by a tenth or more since the days began is told, with what it was', async () => {
  const since = '## What moved since 2026-04-23 12:00 UTC'
  expect(await reportOf([], { memory_usage: 120, test_coverage: 0.96 })).toContain(
    `${since}\n\n- memory_usage: 120 to 190 megabytes\n\n`,
  )
  expect(await reportOf([], { memory_usage: 189, test_coverage: 0 })).toContain(
    `${since}\n\n- test_coverage: 0 to 0.97 ratio\n\n`,
  )
  expect(await reportOf([], { memory_usage: 189 })).toContain(`${since}\n\nno indicator by a tenth or more\n`)
  expect(await reportOf()).toContain('## What moved\n\nnot known: nothing was noted so far\n')
})
