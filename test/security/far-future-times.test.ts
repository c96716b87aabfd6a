// An ingester may name any time up to 2261: what others ask goes on to be answered, and those who do not see it notice
// nothing.
import { expect, test } from 'vitest'
import { startServer } from '../support/server.ts'
import { line, makeFolder, writeTranscripts } from '../support/transcripts.ts'

const INGEST =
  'mutation ($records: [TokenRecordInput!]!) { ingestTokenRecords(input: { records: $records }) { accepted rejectedCount } }'
const DASHBOARD = `query ($filter: TokenFilter) { tokenMetrics(filter: $filter) {
  tokens { input output cacheCreation cacheRead total } costUsd firstAt lastAt sessionCount
  hours: timeSeries(granularity: HOUR, timeZone: "Europe/Berlin") { label start tokens { total } }
  days: timeSeries(granularity: DAY, timeZone: "Europe/Berlin") { label start tokens { total } }
  weeks: timeSeries(granularity: WEEK) { label tokens { total } }
  months: timeSeries(granularity: MONTH) { label tokens { total } }
  breakdown(by: [PROJECT], granularity: DAY, first: 10) { label isOther tokens { total } }
  sessions(first: 20, orderBy: LAST_ACTIVITY_DESC) { totalCount edges { node { id lastActivityAt } } }
} }`

const recordAt = (occurredAt: string, n: number) => ({
  sessionId: `far-${n}`,
  project: 'shop',
  model: 'claude-sonnet-4-5',
  occurredAt,
  messageId: `msg_far_${n}`,
  tokens: { input: '1', output: '1' },
})

test('records of the years 1970 to 2261 are in bounded series, and nobody else’s answer is another one', async () => {
  const folder = makeFolder()
  writeTranscripts(folder, { 'shop/a.jsonl': [line()] })
  const server = await startServer(folder)
  const ask = async (more: { user?: string; access?: object[] } = {}, filter: object = {}) => {
    const { data, errors } = await server.ask(DASHBOARD, { filter }, ['viewer'], more as never)
    expect(errors).toBeUndefined()
    return data.tokenMetrics
  }
  const own = { user: 'ann', access: [{ users: ['ann'] }] }
  const [before, ofAll] = [await ask(own), await ask()]
  const times = ['1970-01-01T00:00:00Z', '2100-02-28T23:59:59.999Z', '2261-12-31T23:59:59.999Z']
  const records = times.map(recordAt)
  const ingester = { user: 'eve', access: [{ users: ['eve'] }] }
  const { data } = await server.ask(INGEST, { records }, ['ingester'], ingester)
  expect(data.ingestTokenRecords).toEqual({ accepted: 3, rejectedCount: 0 })
  expect(await ask(own)).toEqual(before)
  const all = await ask()
  expect(all.lastAt).toBe('2261-12-31T23:59:59.999Z')
  // a bucket for each in which there is something, and none between them
  for (const series of ['hours', 'days', 'weeks', 'months'] as const)
    expect(all[series]).toHaveLength(ofAll[series].length + 3)
  expect(all.sessions.edges[0].node.id).toBe('far-2')
  // with those without records, too: until today, not for two centuries
  const filled =
    'query ($from: DateTime) { tokenMetrics(filter: { from: $from }) { timeSeries(granularity: DAY, fill: true) { label } } }'
  const { data: dense } = await server.ask(filled, { from: '2026-01-01T00:00:00Z' })
  const labels = dense.tokenMetrics.timeSeries.map(({ label }: { label: string }) => label)
  const today = new Date().toISOString().slice(0, 10)
  expect(labels.slice(labels.indexOf(today))).toEqual([today, '2100-02-28', '2261-12-31'])
  expect(labels.slice(0, 2)).toEqual(['2026-01-01', '2026-01-02'])
  // whoever sees them leaves them out by a range
  const { hours, sessions, lastAt } = await ask({}, { from: '2000-01-01T00:00:00Z', to: '2099-01-01T00:00:00Z' })
  expect({ hours, sessions, lastAt }).toEqual({ hours: ofAll.hours, sessions: ofAll.sessions, lastAt: ofAll.lastAt })
})
