import { describe, expect, test } from 'vitest'
import type { GraphQLAnswer } from '../support/graphql-client.ts'
import { startServer } from '../support/server.ts'
import { small } from '../support/small-transcripts.ts'

const codes = ({ errors }: GraphQLAnswer) => errors?.map(({ extensions }) => [extensions.code, extensions.argument])

describe('a question that cannot be answered', () => {
  test.each([
    [
      'a time zone',
      '{ tokenMetrics { timeSeries(granularity: DAY, timeZone: "Mars") { label } } }',
      {},
      'INVALID_ARGUMENT',
      'timeZone',
    ],
    [
      'a range',
      '{ tokenMetrics(filter: { from: "2026-01-02T00:00:00Z", to: "2026-01-01T00:00:00Z" }) { recordCount } }',
      {},
      'INVALID_ARGUMENT',
      'filter.from',
    ],
    ['a cursor', '{ tokenMetrics { sessions(after: "x") { totalCount } } }', {}, 'INVALID_ARGUMENT', 'after'],
    ['a page size', '{ tokenMetrics { sessions(first: 501) { totalCount } } }', {}, 'INVALID_ARGUMENT', 'first'],
    ['a session id', '{ session(id: "../x") { id } }', {}, 'INVALID_ARGUMENT', 'id'],
    [
      'a date in a variable',
      'query ($f: TokenFilter) { tokenMetrics(filter: $f) { recordCount } }',
      { f: { from: '2026-01-01' } },
      'INVALID_ARGUMENT',
      'filter.from',
    ],
    [
      'a date in the text',
      '{ tokenMetrics(filter: { from: 5 }) { recordCount } }',
      {},
      'INVALID_ARGUMENT',
      'filter.from',
    ],
    [
      'a list too long',
      'query ($f: TokenFilter) { tokenMetrics(filter: $f) { recordCount } }',
      { f: { models: Array(1001).fill('m') } },
      'INVALID_ARGUMENT',
      'filter.models',
    ],
  ])('tells what is wrong with %s', async (_what, query, variables, code, argument) => {
    const { ask } = await startServer(small())
    expect(codes(await ask(query, variables))).toEqual([[code, argument]])
  })

  test('of more filters than one answer may cost is refused', async () => {
    const { ask } = await startServer(small())
    const many = (n: number) =>
      Array.from({ length: n }, (_, i) => `a${i}: tokenMetrics(filter: { models: ["${i}"] }) { recordCount }`).join(' ')
    expect((await ask(`{ ${many(20)} }`)).errors).toBeUndefined()
    expect(codes(await ask(`{ ${many(21)} }`))?.[0]).toEqual(['QUERY_TOO_EXPENSIVE', undefined])
  })
})
