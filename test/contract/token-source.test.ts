import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Breakdown, SESSION_ORDERS, type SessionCut } from '../../src/domain/cuts.ts'
import { DIMENSION_NAMES, DIMENSIONS, type Dimension, type Grouping } from '../../src/domain/dimensions.ts'
import { EVERYTHING } from '../../src/domain/scope.ts'
import { rankSessions, sortSessions } from '../../src/domain/session-page.ts'
import { groupsOf, type TokenQuery } from '../../src/domain/token-query.ts'
import { uncut } from '../../src/domain/uncut.ts'
import { groupByModel, sessionMetrics } from '../../src/domain/usage.ts'
import { finished } from '../../src/domain/work.ts'
import type { TokenSource } from '../../src/ports/token-source.ts'
import { breakdownRows } from '../../src/reading/told.ts'
import { HOURS } from '../support/bucketed.ts'
import { openSides, removeEngineAfterAll, type TestSides, testDatabase } from '../support/sides.ts'
import { TEST_PRICES } from '../support/test-prices.ts'
import { CUTS, pageBehind, pageOf } from '../support/told-cuts.ts'
import { analysisOf, line, makeFolder, totals, writeTranscripts } from '../support/transcripts.ts'

removeEngineAfterAll()

const WHOLE: TokenQuery = { filter: {}, groupings: [] }
const ALL: TokenQuery = {
  filter: {},
  groupings: [
    ['project'],
    ['user'],
    [HOURS],
    [HOURS, 'host', 'project'],
    ['session', 'user'],
    ['sidechain'],
    ['branch', 'sidechain'],
  ],
  sessions: true,
}
const NINE = Date.parse('2026-04-02T09:15:03.120Z')

/** How many records have each value of each dimension. A dimension without a row here does not compile. */
const RECORDS_BY: Record<Dimension, Record<string, number>> = {
  project: { p: 2, q: 1 },
  model: { 'claude-sonnet-4-5-20250929': 2, other: 1 },
  session: { 'session-1': 1, 'session-2': 2 },
  user: { ann: 3 },
  host: { laptop: 3 },
  branch: { '': 1, main: 1, größe: 1 },
  sidechain: { false: 2, true: 1 },
}

/** What a filter names, and how many records it selects. */
const FILTERS: [string, TokenQuery['filter'], number][] = [
  ['half-open ranges: from', { from: NINE + 1 }, 2],
  ['half-open ranges: to', { to: Date.parse('2026-04-03T00:00:00Z') }, 2],
  ['projects', { projects: ['p', 'nowhere'] }, 2],
  ['models', { models: ['other'] }, 1],
  ['sessions', { sessionIds: ['session-2'] }, 2],
  ['users', { users: ['bob'] }, 0],
  ['hosts', { hosts: ['laptop'] }, 3],
  ['branches', { branches: ['größe', 'main', 'none'] }, 2],
  ['no branch', { branches: [''] }, 1],
  ['sidechains', { sidechain: ['true'] }, 1],
  ['the main chain', { sidechain: ['false'] }, 2],
  ['both chains', { sidechain: ['false', 'true'] }, 3],
  ['nothing', { models: [] }, 0],
  ["names that are SQL: ' OR 1=1 --", { models: ["' OR 1=1 --", "\\'); DROP TABLE winners; --"] }, 0],
]

/** Each source over the same transcripts; the hybrid with one file shipped and the others not. */
const SOURCES: Record<
  string,
  { source: keyof Pick<TestSides, 'legacy' | 'hybrid' | 'clickhouse'>; shipped: string[] }
> = {
  LEGACY: { source: 'legacy', shipped: [] },
  HYBRID: { source: 'hybrid', shipped: ['p/a.jsonl'] },
  CLICKHOUSE: { source: 'clickhouse', shipped: ['p/a.jsonl', 'q/b.jsonl', 'q/c.jsonl'] },
}

describe.each(Object.entries(SOURCES))('the source %s', (name, { source, shipped }) => {
  const open = async (): Promise<TokenSource> => {
    const folder = makeFolder()
    writeTranscripts(folder, {
      'p/a.jsonl': [
        line({ id: 'msg_1', usage: { output_tokens: 10, cache_read_input_tokens: 200_000 } }),
        line({ id: 'msg_1', usage: { output_tokens: 70, cache_read_input_tokens: 200_000 } }),
        line({ id: 'msg_2', session: 'session-2', branch: 'main', model: 'other', time: '2026-04-02T23:59:59.999Z' }),
      ],
      'q/b.jsonl': [
        line({ id: 'msg_1', sidechain: true, usage: { output_tokens: 900, cache_read_input_tokens: 200_000 } }),
        line({ id: 'msg_3', session: 'session-2', time: '2026-04-03T00:00:00Z', sidechain: true, branch: 'größe' }),
      ],
      'q/c.jsonl': ['{"broken', line({ id: 'msg_4', session: 'session-3', usage: { output_tokens: -1 } })],
    })
    const analysis = analysisOf(folder)
    await analysis.refresh()
    const sides = await openSides({ analysis, db: await testDatabase(), ledgerPath: join(folder, 'ledger') })
    const transcripts = new Map(
      analysis.shipping
        .catalogue()
        .filter(({ path }) => shipped.some((file) => path.endsWith(file)))
        .map(({ key, to }) => [key, to]),
    )
    await sides.ship({ journal: true, transcripts })
    return sides[source]
  }
  const answerOf = async (opened: TokenSource, query: TokenQuery) => {
    const { answers } = await opened.answer({ queries: [query], access: EVERYTHING, quality: false })
    return answers[0] as (typeof answers)[number]
  }
  const answer = async (query: TokenQuery) => answerOf(await open(), query)

  test('names itself, and what it counts', async () => {
    const opened = await open()
    expect(opened.source).toBe(name)
    expect(opened.world).not.toBe('')
    expect(opened.counted()).toMatchObject({ watermark: expect.any(String), asOf: expect.any(Number) })
    expect(opened.health().state).toBe('UP')
  })

  test('counts each identity once, by its winner', async () => {
    expect(totals((await answer(WHOLE)).whole)).toEqual({
      input: 3,
      output: 72,
      cacheCreation: 0,
      cacheRead: 200_000,
      records: 3,
    })
  })

  test('breaks down by everything at once', async () => {
    const all = await answer(ALL)
    const { sessions, sessionCount, firstAt, lastAt } = all
    const records = (...by: Grouping) =>
      Object.fromEntries(
        groupsOf(all, by).map(({ values, start, usage }) => [
          [...values, ...(start === 0 ? [] : [new Date(start).toISOString().slice(0, 16)])].join(' '),
          usage.reduce((sum, u) => sum + Number(u.records), 0),
        ]),
      )
    expect(records('project')).toEqual({ p: 2, q: 1 })
    expect(records('user')).toEqual({ ann: 3 })
    expect(records('branch', 'sidechain')).toEqual({ ' false': 1, 'main false': 1, 'größe true': 1 })
    expect(records('sidechain')).toEqual({ false: 2, true: 1 })
    expect(records('session', 'user')).toEqual({ 'session-1 ann': 1, 'session-2 ann': 2 })
    expect(records('project', 'host', HOURS)).toEqual({
      'p laptop 2026-04-02T09:00': 1,
      'p laptop 2026-04-02T23:00': 1,
      'q laptop 2026-04-03T00:00': 1,
    })
    expect(sessionCount).toBe(2)
    expect([firstAt, lastAt]).toEqual([NINE, Date.parse('2026-04-03T00:00:00Z')])
    expect(
      groupsOf(all, [HOURS])
        .map(({ start }) => start)
        .sort(),
    ).toEqual([
      Date.parse('2026-04-02T09:00:00Z'),
      Date.parse('2026-04-02T23:00:00Z'),
      Date.parse('2026-04-03T00:00:00Z'),
    ])
    const second = sessions?.find(({ id }) => id === 'session-2')
    // of its latest record, in another project than its first
    expect(second).toMatchObject({
      project: 'q',
      user: 'ann',
      host: 'laptop',
      startedAt: Date.parse('2026-04-02T23:59:59.999Z'),
    })
  })

  test.each(DIMENSION_NAMES)('breaks down by %s, and selects by each of its values', async (dimension) => {
    const groupings: Grouping[] = dimension === 'model' ? [] : [[dimension]]
    const opened = await open()
    const all = await answerOf(opened, { filter: {}, groupings })
    const groups = dimension === 'model' ? groupByModel(all.whole) : groupsOf(all, [dimension])
    const found = groups.map(({ values: [value = ''], usage }) => [value, totals(usage).records])
    expect(Object.fromEntries(found)).toEqual(RECORDS_BY[dimension])
    for (const [value, records] of Object.entries(RECORDS_BY[dimension])) {
      const filter = { [DIMENSIONS[dimension].filter]: [value] }
      const { whole } = await answerOf(opened, { filter, groupings: [] })
      expect([value, totals(whole).records]).toEqual([value, records])
    }
  })

  test('tells the same pages of sessions in every order, one behind the other, as from all sessions', async () => {
    const opened = await open()
    const { priceOf } = TEST_PRICES
    const { sessions = [] } = await answerOf(opened, { filter: {}, groupings: [], sessions: true })
    for (const order of SESSION_ORDERS) {
      const all = sortSessions([...rankSessions(sessions, order, priceOf)], order)
      let cut: SessionCut = { order, first: 1 }
      for (const { session } of all) {
        const page = pageOf(await answerOf(opened, { filter: {}, groupings: [], sessionPages: [cut] }), cut, priceOf)
        expect(page).toMatchObject({ totalCount: 2, hasNextPage: session !== all.at(-1)?.session })
        // in whichever order its sums are
        expect(page.edges.map(({ node }) => node)).toEqual([sessionMetrics(session, priceOf)])
        cut = pageBehind(cut, page)
      }
      const behind = pageOf(await answerOf(opened, { filter: {}, groupings: [], sessionPages: [cut] }), cut, priceOf)
      expect(behind).toEqual({ edges: [], hasNextPage: false, endCursor: null, totalCount: 2 })
      const none = { order, first: 0 }
      expect(
        pageOf(await answerOf(opened, { filter: {}, groupings: [], sessionPages: [none] }), none, priceOf),
      ).toMatchObject({ edges: [], hasNextPage: true, totalCount: 2 })
    }
  })

  test('tells the first of a breakdown by any dimensions, and what is left of it', async () => {
    const opened = await open()
    const { priceOf } = TEST_PRICES
    const query = { filter: { from: NINE }, groupings: [] }
    const breakdowns = CUTS.breakdowns as Breakdown[]
    const all = await answerOf(opened, uncut({ ...query, breakdowns }))
    const cut = await answerOf(opened, { ...query, breakdowns })
    for (const one of breakdowns)
      expect([one, finished(breakdownRows(cut, one, priceOf))]).toEqual([
        one,
        finished(breakdownRows(all, one, priceOf)),
      ])
  })

  test('splits by model and context tier', async () => {
    const { whole } = await answer(WHOLE)
    expect(whole.map(({ model, tier }) => [model, tier]).sort()).toEqual([
      ['claude-sonnet-4-5-20250929', 0],
      ['claude-sonnet-4-5-20250929', 3],
      ['other', 0],
    ])
  })

  test('selects by whatever a filter names', async () => {
    const opened = await open()
    for (const [what, filter, expected] of FILTERS) {
      const { whole, sessionCount, firstAt } = await answerOf(opened, { filter, groupings: [], countSessions: true })
      expect([what, totals(whole).records]).toEqual([what, expected])
      if (expected === 0) expect([sessionCount, firstAt]).toEqual([0, undefined])
    }
  })

  test('answers many queries of one moment, and tells the quality of the corpus', async () => {
    const { answers, quality } = await (await open()).answer({
      queries: [WHOLE, ALL, WHOLE],
      access: EVERYTHING,
      quality: true,
    })
    expect(answers).toHaveLength(3)
    expect(quality).toMatchObject({
      duplicateLines: 2n,
      refused: [
        { reason: 'malformed_json', count: 1n },
        { reason: 'invalid_tokens', count: 1n },
      ],
      archivedTokens: 0n,
    })
    expect(totals(quality?.whole ?? []).records).toBe(3)
  })
})
