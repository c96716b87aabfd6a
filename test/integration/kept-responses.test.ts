import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { sentAgain } from '../support/sent-again.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { small } from '../support/small-transcripts.ts'
import { line } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

const QUESTION = `query Days($filter: TokenFilter) {
  tokenMetrics(filter: $filter) { recordCount tokens { total } byModel { model } provenance { source cache stale reason } } }`

type More = Parameters<TestServer['ask']>[3]

/** How many of three same questions were answered by what was sent before: the first makes it, the second finds it. */
async function againOfThree(server: TestServer, query = QUESTION, variables = {}, more: More = {}): Promise<number> {
  const before = await sentAgain(server)
  for (let n = 0; n < 3; n++) await server.ask(query, variables, ['viewer'], more)
  return (await sentAgain(server)) - before
}

/** An answer that is made while the transcripts are being looked at is not kept for long. */
const untilKept = (server: TestServer, query = QUESTION, variables = {}) =>
  until('a response that is sent again', async () =>
    (await againOfThree(server, query, variables)) > 0 ? true : undefined,
  )

describe('a response that was answered from the cache', () => {
  test('is sent again to the same question, whoever has the same rights, and never to another', async () => {
    const server = await startServer(small())
    await untilKept(server, QUESTION, { filter: { models: ['m'], projects: ['shop'] } })
    const first = await server.ask(QUESTION, {})
    await untilKept(server)
    const again = await server.ask(QUESTION, {})
    expect(again.data.tokenMetrics).toEqual({
      ...first.data.tokenMetrics,
      provenance: again.data.tokenMetrics.provenance,
    })
    expect(again.data.tokenMetrics.provenance).toMatchObject({ source: 'LEGACY', cache: 'HIT', stale: false })
    const others = async (more: More, variables = {}) => {
      const before = await sentAgain(server)
      const answer = await server.ask(QUESTION, variables, ['viewer'], more)
      return { again: (await sentAgain(server)) - before, count: answer.data.tokenMetrics.recordCount }
    }
    expect(await others({ user: 'bob' })).toEqual({ again: 1, count: '3' })
    // the members of variables in another order
    const filter = { projects: ['shop'], models: ['m'] }
    expect((await others({}, { filter })).again).toBe(1)
    expect(await others({ access: [{ projects: ['nowhere'] }] })).toEqual({ again: 0, count: '0' })
    expect((await others({ operationName: 'Days' })).again).toBe(0)
    expect((await others({}, { filter: { projects: ['shop'] } })).again).toBe(0)
  })

  test('is made anew as soon as there is a record more', async () => {
    const folder = small()
    const server = await startServer(folder)
    for (const id of ['msg_4', 'msg_5', 'msg_6']) {
      await untilKept(server)
      const count = async () => Number((await server.ask(QUESTION)).data.tokenMetrics.recordCount)
      const before = await count()
      appendFileSync(join(folder, 'projects', 'shop', 'a.jsonl'), `${line({ id })}\n`)
      await until('one more', async () => ((await count()) === before + 1 ? true : undefined))
    }
  })

  test('counts what was acknowledged before the question, each time', async () => {
    const server = await startServer(small())
    const ingest = `mutation ($input: IngestTokenRecordsInput!) { ingestTokenRecords(input: $input) { accepted } }`
    for (let n = 0; n < 20; n++) {
      await untilKept(server)
      const before = Number((await server.ask(QUESTION)).data.tokenMetrics.recordCount)
      const record = {
        sessionId: 's',
        project: 'p',
        model: 'm',
        occurredAt: '2026-04-02T09:15:03.120Z',
        tokens: { input: '4', output: '1' },
        messageId: `msg_kept_${n}`,
      }
      await server.ask(ingest, { input: { records: [record] } }, ['ingester'])
      const { recordCount, provenance } = (await server.ask(QUESTION)).data.tokenMetrics
      if (!provenance.stale) expect(Number(recordCount)).toBe(before + 1)
    }
  })

  test('is none where the answer follows from who asks, from the time, or is refused', async () => {
    const server = await startServer(small())
    await untilKept(server)
    for (const query of [
      '{ viewer { userId } tokenMetrics { recordCount } }',
      'query A { ...on Query { viewer { userId } } tokenMetrics { recordCount } }',
      '{ tokenMetrics { timeSeries(granularity: DAY, fill: true) { label } } }',
      '{ tokenMetrics { quality { duplicateLines } } }',
      '{ tokenMetrics { recordCount timeSeries(granularity: DAY, timeZone: "Nowhere/At_All") { label } } }',
      '{ tokenMetrics { sessions { edges { node { id title } } } } }',
      '{ __typename }',
    ])
      expect([query, await againOfThree(server, query)]).toEqual([query, 0])
  })

  test('is paid for, logged and counted like any other, and none is sent while the bridge is isolated', async () => {
    const server = await startServer(small(), { RATE_COST_PER_MINUTE: '100000' })
    await untilKept(server)
    await server.ask(QUESTION)
    const lines = server
      .log()
      .split('\n')
      .filter((text) => text.includes('"msg":"request"') && text.includes('query Days'))
    expect(JSON.parse(lines.at(-1) as string)).toMatchObject({
      user: 'ann',
      operation: 'query Days',
      source: 'LEGACY',
      cache: 'HIT',
      status: 200,
    })
    const refused = await until('the budget to be used up', async () => {
      const { errors } = await server.ask(QUESTION)
      return errors?.[0]?.extensions.code
    })
    expect(refused).toBe('RATE_LIMITED')
    await server.ask('mutation { isolate(reason: "a drill") { isolated } }', {}, ['operator'], { user: 'op' })
    const { errors } = await server.ask(QUESTION, {}, ['viewer'], { user: 'bob' })
    expect(errors).toBeDefined()
  })

  test('to a GET has a tag, by which a client that has it is spared the bytes, for as long as it is the same', async () => {
    const folder = small()
    const server = await startServer(folder)
    const get = async (tag = '', access?: NonNullable<More>['access']) =>
      fetch(`${server.url}/graphql?query=${encodeURIComponent(QUESTION)}`, {
        headers: {
          authorization: `Bearer ${await server.token(['viewer'], 'ann', access)}`,
          'apollo-require-preflight': 'yes',
          ...(tag === '' ? {} : { 'if-none-match': `"another", W/${tag}` }),
        },
      })
    const tag = await until('a tag', async () => (await get()).headers.get('etag') ?? undefined)
    const same = await get(tag)
    expect([same.status, same.headers.get('etag'), await same.text()]).toEqual([304, tag, ''])
    expect(same.headers.get('cache-control')).toBe('private, no-cache')
    // it is no key to what somebody else sees
    expect((await get(tag, [{ projects: ['nowhere'] }])).status).toBe(200)
    appendFileSync(join(folder, 'projects', 'shop', 'a.jsonl'), `${line({ id: 'msg_4' })}\n`)
    const changed = await until('another answer', async () => {
      const answer = await get(tag)
      return answer.status === 200 ? ((await answer.json()) as { data: { tokenMetrics: object } }) : undefined
    })
    expect(changed.data.tokenMetrics).toMatchObject({ recordCount: '4' })
  })
})
