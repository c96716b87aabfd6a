import { describe, expect, test } from 'vitest'
import { LIMITS } from '../../src/domain/limits.ts'
import { startServer } from '../support/server.ts'
import { openSocket, startSmallSubscriptions, subscribe } from '../support/small-subscriptions.ts'
import { makeFolder } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

const LONG = 'x'.repeat(900_000)
const MOST = LIMITS.errorMessage.value

describe('what is wrong', () => {
  test.each([
    ['a field', `{ ${LONG} }`, {}],
    ['an argument', `{ tokenMetrics(${LONG}: 1) { recordCount } }`, {}],
    ['a type', `query ($a: ${LONG}) { viewer { userId } }`, {}],
    ['a syntax', `{ viewer { userId } } ${LONG}`, {}],
    ['a text without an end', `{ session(id: "${LONG}`, {}],
    ['a time zone', `{ tokenMetrics { timeSeries(granularity: DAY, timeZone: "${LONG}") { label } } }`, {}],
    ['an enum in the text', `{ tokenMetrics { timeSeries(granularity: ${LONG}) { label } } }`, {}],
    ['an alias', `{ ${LONG}: session(id: "../") { id } }`, {}],
    ['a variable', `query ($${LONG}: Int!) { tokenMetrics { sessions(first: $${LONG}) { totalCount } } }`, {}],
    [
      'an enum in a variable',
      'query ($g: TimeGranularity!) { tokenMetrics { timeSeries(granularity: $g) { label } } }',
      { g: LONG },
    ],
    [
      'a field of a variable',
      'query ($f: TokenFilter) { tokenMetrics(filter: $f) { recordCount } }',
      { f: { [LONG]: 1 } },
    ],
    ['a number in a variable', 'query ($n: Int) { tokenMetrics { sessions(first: $n) { totalCount } } }', { n: LONG }],
    ['an id', 'query ($i: ID!) { session(id: $i) { id } }', { i: LONG }],
  ])(
    'with %s of a megabyte is told in some hundred characters, and logged in no more',
    async (_what, query, variables) => {
      const server = await startServer(makeFolder())
      const { errors } = await server.ask(query, variables)
      expect(errors?.length).toBeGreaterThan(0)
      for (const error of errors ?? []) {
        expect(error.message.length).toBeLessThanOrEqual(MOST)
        expect(JSON.stringify(error).length).toBeLessThan(MOST + 400)
      }
      for (const line of server.log().split('\n')) expect(line.length).toBeLessThan(10_000)
    },
  )

  test('before GraphQL is cut as well', async () => {
    const server = await startServer(makeFolder())
    const authorization = `Bearer ${await server.token(['viewer'])}`
    const told = async (body: string, type = 'application/json', path = '/graphql') => {
      const response = await fetch(`${server.url}${path}`, {
        method: 'POST',
        headers: { authorization, 'content-type': type },
        body,
      })
      expect(response.status).toBeGreaterThanOrEqual(400)
      return (await response.text()).length
    }
    expect(await told(LONG)).toBeLessThan(MOST + 200)
    expect(await told(`{"${LONG}`)).toBeLessThan(MOST + 200)
    expect(await told(JSON.stringify({ query: '{ viewer { userId } }', operationName: LONG }))).toBeLessThan(MOST + 200)
    expect(await told('{}', `text/${LONG.slice(0, 8000)}`)).toBeLessThan(MOST + 200)
    expect(await told('', 'application/json', `/${LONG.slice(0, 8000)}`)).toBeLessThan(MOST + 200)
    await server.close()
    for (const line of server.log().split('\n')) expect(line.length).toBeLessThan(5000)
  })

  test('is told by its beginning and its end, which say what and where', async () => {
    const server = await startServer(makeFolder())
    const { errors } = await server.ask('query ($n: Int) { tokenMetrics { sessions(first: $n) { totalCount } } }', {
      n: `🐦${LONG}🐦`,
    })
    expect(errors?.[0]).toMatchObject({
      message: expect.stringMatching(/^Variable "\$n" got invalid value "🐦x+…x+🐦"$/),
      extensions: { code: 'BAD_USER_INPUT', argument: 'n' },
    })
  })
})

describe('in production', () => {
  const MISSPELT: [string, Record<string, unknown>][] = [
    ['{ tokenMetric { recordCount } }', {}],
    ['{ tokenMetrics { recordCounts } }', {}],
    ['{ tokenMetrics(filters: {}) { recordCount } }', {}],
    ['{ tokenMetrics(filter: { project: "x" }) { recordCount } }', {}],
    ['{ tokenMetrics { timeSeries(granularity: DAYS) { label } } }', {}],
    ['query ($f: TokenFilters) { tokenMetrics(filter: $f) { recordCount } }', {}],
    ['query ($f: TokenFilter) { tokenMetrics(filter: $f) { recordCount } }', { f: { project: 'x' } }],
    ['query ($g: TimeGranularity!) { tokenMetrics { timeSeries(granularity: $g) { label } } }', { g: 'DAYS' }],
  ]

  test('no error proposes names of the schema, which development does', async () => {
    const production = await startServer(makeFolder(), { NODE_ENV: 'production' })
    const development = await startServer(makeFolder())
    for (const [query, variables] of MISSPELT) {
      expect(JSON.stringify((await production.ask(query, variables)).errors), query).not.toMatch(/did you mean/i)
      expect(JSON.stringify((await development.ask(query, variables)).errors), query).toMatch(/did you mean/i)
    }
  })

  test.each([
    ['production', false],
    ['development', true],
  ])('over WebSocket as over HTTP: %s', async (_name, introspection) => {
    const { url, token } = await startSmallSubscriptions(introspection)
    const { messages, send } = await openSocket(url, await token())
    const query = 'subscription ($size: Size) { told(size: $size) }'
    send(subscribe('field', 'subscription { tolds }'))
    send(subscribe('enum', 'subscription { told(size: LARG) }'))
    send(subscribe('variable', query, { size: 'LARG' }))
    send(subscribe('long', query, { size: 'x'.repeat(60_000) }))
    const told = await until('the errors', () => {
      const errors = messages.filter(({ payload }) => JSON.stringify(payload ?? '').includes('BAD_USER_INPUT'))
      return errors.length === 4 ? errors.map((message) => JSON.stringify(message)) : undefined
    })
    for (const text of told) expect(text.length).toBeLessThan(MOST + 300)
    expect(told.filter((text) => text.includes('Did you mean')).length).toBe(introspection ? 3 : 0)
  })
})
