import { describe, expect, test } from 'vitest'
import { flagsFile } from '../support/flags.ts'
import type { GraphQLAnswer } from '../support/graphql-client.ts'
import { startServer } from '../support/server.ts'
import { small } from '../support/small-transcripts.ts'

const TOKENS = 'tokens { input output cacheCreation cacheRead total } recordCount'

const codes = ({ errors }: GraphQLAnswer) => errors?.map(({ extensions }) => [extensions.code, extensions.argument])

describe('tokenMetrics', () => {
  test('answers every field of a view, all from one moment', async () => {
    const server = await startServer(small())
    const { data, errors } = await server.ask(`{
      tokenMetrics {
        ${TOKENS} sessionCount costUsd firstAt lastAt
        timeSeries(granularity: DAY, timeZone: "Europe/Berlin") { start label tokens { total } recordCount costUsd }
        byModel { model ${TOKENS} costUsd }
        byProject { project ${TOKENS} }
        byUser { user ${TOKENS} }
        byHost { host ${TOKENS} }
        sessions(orderBy: STARTED_ASC) {
          totalCount pageInfo { hasNextPage endCursor }
          edges { cursor node { id project user host title startedAt lastActivityAt byModel { model } costUsd ${TOKENS} provenance { source sample } } }
        }
        quality { duplicateLines refused { reason count } unpricedTokens archivedTokens unshippedBytes }
        provenance { source reason cohort cache asOf migrationProgress stale sample }
      }
    }`)
    expect(errors).toBeUndefined()
    const { tokenMetrics } = data
    const one = { input: '1', output: '2', cacheCreation: '3', cacheRead: '4', total: '10' }
    const three = { input: '3', output: '6', cacheCreation: '9', cacheRead: '12', total: '30' }
    expect(tokenMetrics).toMatchObject({
      tokens: three,
      recordCount: '3',
      sessionCount: 2,
      firstAt: '2026-03-28T23:30:00.000Z',
      lastAt: '2026-03-29T22:00:00.000Z',
      timeSeries: [
        { start: '2026-03-28T23:00:00.000Z', label: '2026-03-29', tokens: { total: '20' }, recordCount: '2' },
        {
          start: '2026-03-29T22:00:00.000Z',
          label: '2026-03-30',
          tokens: { total: '10' },
          recordCount: '1',
          costUsd: null,
        },
      ],
      byModel: [
        { model: 'claude-opus-4-5-20251101', tokens: one },
        { model: 'claude-sonnet-4-5-20250929', tokens: one },
        { model: 'mystery', tokens: one, costUsd: null },
      ],
      byProject: [
        { project: 'shop', recordCount: '2' },
        { project: 'notes', recordCount: '1' },
      ],
      byUser: [{ user: 'ann', tokens: three }],
      byHost: [{ host: 'laptop', tokens: three, recordCount: '3' }],
      sessions: {
        totalCount: 2,
        pageInfo: { hasNextPage: false },
        edges: [
          {
            node: {
              id: 's1',
              project: 'shop',
              user: 'ann',
              host: 'laptop',
              title: null,
              recordCount: '2',
              provenance: { source: 'LEGACY', sample: false },
            },
          },
          { node: { id: 's2', project: 'notes', costUsd: null, byModel: [{ model: 'mystery' }] } },
        ],
      },
      quality: {
        duplicateLines: '0',
        refused: [{ reason: 'malformed_json', count: '1' }],
        unpricedTokens: '10',
        archivedTokens: '0',
      },
      provenance: {
        source: 'LEGACY',
        reason: 'BRIDGE_DISABLED',
        cohort: null,
        cache: 'MISS',
        migrationProgress: 0,
        stale: false,
        sample: false,
      },
    })
    expect(tokenMetrics.costUsd).toBeGreaterThan(0)
  })

  test('fills a series with the buckets in which nothing happened, over the range that is asked for', async () => {
    const { ask } = await startServer(small())
    const labels = async (filter: string, more = '') => {
      const { data, errors } = await ask(
        `{ tokenMetrics(filter: ${filter}) { timeSeries(granularity: DAY, fill: true${more}) { label recordCount costUsd } } }`,
      )
      return (
        errors?.[0]?.extensions?.code ?? data.tokenMetrics.timeSeries.map((bucket: object) => Object.values(bucket))
      )
    }
    expect(await labels('{ from: "2026-03-27T00:00:00Z", to: "2026-04-01T00:00:00Z", models: ["mystery"] }')).toEqual([
      ['2026-03-27', '0', 0],
      ['2026-03-28', '0', 0],
      ['2026-03-29', '1', null],
      ['2026-03-30', '0', 0],
      ['2026-03-31', '0', 0],
    ])
    expect(await labels('{ users: [] }')).toEqual([])
    expect(await labels('{ from: "1970-01-01T00:00:00Z", to: "2261-01-01T00:00:00Z" }')).toBe('QUERY_TOO_EXPENSIVE')
  })

  test('lists the values that a filter may name, the most used first', async () => {
    const { ask } = await startServer(small())
    const { data, errors } = await ask(`{
      models: filterValues(dimension: MODEL, search: "CLAUDE") { value recordCount }
      projects: filterValues(dimension: PROJECT, filter: { models: ["mystery"] }) { value recordCount }
      sidechain: filterValues(dimension: SIDECHAIN) { value recordCount }
      sessions: filterValues(dimension: SESSION, first: 1) { value recordCount }
    }`)
    expect(errors).toBeUndefined()
    expect(data).toEqual({
      models: [
        { value: 'claude-opus-4-5-20251101', recordCount: '1' },
        { value: 'claude-sonnet-4-5-20250929', recordCount: '1' },
      ],
      projects: [{ value: 'notes', recordCount: '1' }],
      sidechain: [
        { value: 'false', recordCount: '2' },
        { value: 'true', recordCount: '1' },
      ],
      sessions: [{ value: 's1', recordCount: '2' }],
    })
    for (const [args, argument] of [
      ['first: 0', 'first'],
      ['first: 1001', 'first'],
      [`search: "${'x'.repeat(201)}"`, 'search'],
    ]) {
      const refused = await ask(`{ filterValues(dimension: MODEL, ${args}) { value } }`)
      expect(refused.errors?.[0]?.extensions).toMatchObject({ code: 'INVALID_ARGUMENT', argument })
    }
  })

  test('breaks down across dimensions and time in one field, with a row for what was cut off', async () => {
    const { ask } = await startServer(small())
    const rows = async (args: string) => {
      const { data, errors } = await ask(
        `{ tokenMetrics { breakdown(${args}) { values { dimension value } isOther start label recordCount costUsd tokens { total } } } }`,
      )
      if (errors !== undefined) throw new Error(errors[0]?.message)
      return data.tokenMetrics.breakdown.map((row: Record<string, unknown> & { values: { value: string }[] }) => [
        row.isOther ? 'other' : row.values.map(({ value }) => value).join(' '),
        row.label,
        row.recordCount,
      ])
    }
    expect(await rows('by: [MODEL]')).toEqual([
      ['claude-opus-4-5-20251101', null, '1'],
      ['claude-sonnet-4-5-20250929', null, '1'],
      ['mystery', null, '1'],
    ])
    expect(await rows('by: [PROJECT, SIDECHAIN], granularity: MONTH, first: 1, orderBy: VALUE_ASC')).toEqual([
      ['notes false', '2026-03', '1'],
      ['other', '2026-03', '2'],
    ])
    // a price that nobody knows comes after the cheapest
    expect(await rows('by: [MODEL], first: 2, orderBy: COST_DESC')).toEqual([
      ['claude-opus-4-5-20251101', null, '1'],
      ['claude-sonnet-4-5-20250929', null, '1'],
      ['other', null, '1'],
    ])
    expect(
      await rows('by: [SESSION, HOST, USER], granularity: DAY, timeZone: "Europe/Berlin", orderBy: RECORDS_DESC'),
    ).toEqual([
      ['s1 laptop ann', '2026-03-29', '2'],
      ['s2 laptop ann', '2026-03-30', '1'],
    ])
    const { data } = await ask(
      '{ tokenMetrics { breakdown(by: [SIDECHAIN, PROJECT], first: 1) { start values { dimension value } } } }',
    )
    expect(data.tokenMetrics.breakdown[0]).toEqual({
      start: null,
      values: [
        { dimension: 'SIDECHAIN', value: 'false' },
        { dimension: 'PROJECT', value: 'notes' },
      ],
    })
    for (const [args, argument] of [
      ['by: [MODEL, USER, MODEL]', 'by'],
      ['by: []', 'by'],
      ['by: [MODEL, USER, HOST, PROJECT]', 'by'],
      ['by: [MODEL], first: 0', 'first'],
      ['by: [MODEL], first: 1001', 'first'],
      ['by: [MODEL], timeZone: "Mars"', 'timeZone'],
    ])
      expect(codes(await ask(`{ tokenMetrics { breakdown(${args}) { isOther } } }`))).toEqual([
        ['INVALID_ARGUMENT', argument],
      ])
  })

  test('selects by every filter, half-open in time', async () => {
    const { ask } = await startServer(small())
    const count = async (filter: Record<string, unknown>) => {
      const { data } = await ask(
        'query ($f: TokenFilter) { tokenMetrics(filter: $f) { recordCount sessionCount quality { unpricedTokens } } }',
        { f: filter },
      )
      // the quality is of the whole corpus, whatever the filter
      expect(data.tokenMetrics.quality.unpricedTokens).toBe('10')
      return [data.tokenMetrics.recordCount, data.tokenMetrics.sessionCount]
    }
    expect(await count({ from: '2026-03-28T23:30:00Z', to: '2026-03-29T22:00:00Z' })).toEqual(['2', 1])
    expect(await count({ projects: ['notes', 'none'] })).toEqual(['1', 1])
    expect(await count({ models: ['mystery'] })).toEqual(['1', 1])
    expect(await count({ sessionIds: ['s1'] })).toEqual(['2', 1])
    expect(await count({ users: ['ann'], hosts: ['laptop'] })).toEqual(['3', 2])
    expect(await count({ users: ['bob'] })).toEqual(['0', 0])
    expect(await count({ branches: ['fix/a'] })).toEqual(['1', 1])
    expect(await count({ branches: [''] })).toEqual(['2', 2])
    expect(await count({ sidechain: true })).toEqual(['1', 1])
    expect(await count({ sidechain: false })).toEqual(['2', 2])
    expect(await count({ sidechain: null })).toEqual(['3', 2])
    expect(await count({ from: null, projects: null })).toEqual(['3', 2])
  })

  test('gives nothing for nothing: no tokens, no dates, no cost', async () => {
    const { ask } = await startServer(small())
    const { data } = await ask(
      '{ tokenMetrics(filter: { users: [] }) { costUsd firstAt lastAt byModel { model } timeSeries(granularity: HOUR) { label } sessions { totalCount } } }',
    )
    expect(data.tokenMetrics).toEqual({
      costUsd: 0,
      firstAt: null,
      lastAt: null,
      byModel: [],
      timeSeries: [],
      sessions: { totalCount: 0 },
    })
  })

  test('a preference of one’s own is for operators, and for users whom the flag allows', async () => {
    const { ask } = await startServer(small(), { FLAGS_FILE: flagsFile({ user_source_choice_enabled: false }) })
    const query = '{ tokenMetrics(preference: CLICKHOUSE) { provenance { source reason } } }'
    expect(codes(await ask(query))).toEqual([['FORBIDDEN', undefined]])
    const { data } = await ask(query, {}, ['operator'])
    expect(data.tokenMetrics.provenance).toEqual({ source: 'LEGACY', reason: 'BRIDGE_DISABLED' })
  })
})
