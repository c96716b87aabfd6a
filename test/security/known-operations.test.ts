import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { request } from '../../src/cli/client.ts'
import * as generated from '../../src/cli/generated.ts'
import { readKnownOperations } from '../../src/composition/known-operations.ts'
import { LIMITS } from '../../src/domain/limits.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { openSocket, subscribe } from '../support/small-subscriptions.ts'
import { makeFolder } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex')
const byHash = (sha256Hash: string, more: object = {}) => ({
  ...more,
  extensions: { persistedQuery: { version: 1, sha256Hash } },
})

async function post(server: TestServer, body: object, query = '') {
  const response = await fetch(`${server.url}/graphql${query}`, {
    ...(query === '' ? { method: 'POST', body: JSON.stringify(body) } : {}),
    headers: { 'content-type': 'application/json', authorization: `Bearer ${await server.token(['viewer'])}` },
  })
  const { data, errors } = (await response.json()) as {
    data?: unknown
    errors?: { message: string; extensions: { code: string } }[]
  }
  return { status: response.status, data, code: errors?.[0]?.extensions.code, message: errors?.[0]?.message }
}

const WHOLE = 'query Whole($projects: [String!]) { tokenMetrics(filter: { projects: $projects }) { ...Sum } }'
const SUM = 'fragment Sum on TokenMetrics { tokens { total } }'
const FOLLOW = 'subscription Follow { migrationProgressed(id: "1") { id } }'
const ME = '{ viewer { userId } }'
const ANN = { viewer: { userId: 'ann' } }

/** A frontend's operations: a folder with two files and a manifest. */
function frontend(): string {
  const folder = join(makeFolder(), 'operations')
  mkdirSync(folder)
  writeFileSync(join(folder, 'whole.graphql'), WHOLE)
  writeFileSync(join(folder, 'fragments.graphql'), SUM)
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ [`sha256:${hashOf(ME)}`]: ME, follow: FOLLOW }))
  return folder
}

describe('where only known operations are answered', () => {
  const start = () => startServer(makeFolder(), { ONLY_KNOWN_OPERATIONS: 'on', KNOWN_OPERATIONS: frontend() })

  test('no other is, by POST, by GET, or over WebSocket', async () => {
    const server = await start()
    const others = [
      '{ viewer { userId roles } }',
      `${ME} query Other { health { state } }`,
      '{ __typename }',
      SUM,
      // a known operation with a fragment of one's own
      `${WHOLE} fragment Sum on TokenMetrics { tokens { total } costUsd }`,
    ]
    for (const query of others) {
      const refused = { status: 400, code: 'OPERATION_NOT_KNOWN', data: undefined }
      expect(await post(server, { query }), query).toMatchObject(refused)
      expect(await post(server, {}, `?query=${encodeURIComponent(query)}`), query).toMatchObject(refused)
      // nor is it registered
      expect(await post(server, byHash(hashOf(query), { query })), query).toMatchObject(refused)
      expect(await post(server, byHash(hashOf(query)))).toMatchObject({ code: 'PERSISTED_QUERY_NOT_FOUND' })
    }
    const { send, messages } = await openSocket(server.url, await server.token(['operator']))
    send(subscribe('1', 'subscription { migrationProgressed(id: "2") { id } }'))
    const answer = await until('the answer', () => messages.find(({ id }) => id === '1'))
    expect(answer).toMatchObject({ type: 'error', payload: [{ extensions: { code: 'OPERATION_NOT_KNOWN' } }] })
  })

  test('those of a frontend are, by their text however it is laid out, by their hash, and by their id', async () => {
    const server = await start()
    const whole = { tokenMetrics: { tokens: { total: expect.any(String) } } }
    for (const query of [`${WHOLE} ${SUM}`, `${SUM}\n\n# a comment\n${WHOLE.replaceAll(' ', '\n ')}`])
      expect(await post(server, { query })).toMatchObject({ status: 200, data: whole })
    for (const body of [
      { query: ME },
      byHash(hashOf(ME)),
      byHash(hashOf(ME), { query: ME }),
      { documentId: hashOf(ME) },
      { documentId: `sha256:${hashOf(ME)}` },
    ])
      expect(await post(server, body), JSON.stringify(body)).toMatchObject({ status: 200, data: ANN })
    const extensions = encodeURIComponent(JSON.stringify(byHash(hashOf(ME)).extensions))
    expect(await post(server, {}, `?extensions=${extensions}`)).toMatchObject({ status: 200, data: ANN })
  })

  test('subscriptions are known as well', async () => {
    const server = await start()
    const { send, messages } = await openSocket(server.url, await server.token(['operator']))
    const ask = async (id: string, payload: object) => {
      send({ id, type: 'subscribe', payload })
      return until('the answer', () => messages.find((message) => message.id === id))
    }
    // there is no database, so that it cannot be followed; but it was looked at
    const carriedOut = await ask('1', { query: FOLLOW })
    expect(JSON.stringify(carriedOut)).not.toMatch(/NOT_KNOWN|NOT_FOUND|VALIDATION/)
    for (const [id, payload] of [
      { query: '', documentId: 'follow' },
      { query: '', ...byHash(hashOf(FOLLOW)) },
    ].entries())
      expect(await ask(`known ${id}`, payload)).toMatchObject({ type: carriedOut.type, payload: carriedOut.payload })
    expect(await ask('unknown', { query: '', documentId: 'other' })).toMatchObject({
      type: 'error',
      payload: [{ extensions: { code: 'PERSISTED_QUERY_NOT_FOUND' } }],
    })
  })

  test('the CLI goes on: every document that it sends is known', async () => {
    const server = await start()
    const documents = Object.entries(generated).flatMap(([name, one]) => (name.endsWith('Document') ? one : []))
    expect(documents.length).toBeGreaterThan(15)
    for (const document of documents)
      expect(await post(server, { query: String(document) }), String(document)).not.toMatchObject({
        code: 'OPERATION_NOT_KNOWN',
      })
    const options = { server: server.url, token: await server.token(['viewer']) }
    expect(await request(generated.ViewerDocument, {}, options)).toMatchObject(ANN)
  })

  test('what one costs is looked at all the same', async () => {
    const settings = { ONLY_KNOWN_OPERATIONS: 'on', KNOWN_OPERATIONS: frontend(), RATE_COST_PER_MINUTE: '300' }
    const server = await startServer(makeFolder(), settings)
    expect(await post(server, byHash(hashOf(ME)))).toMatchObject({ data: ANN })
    expect(await post(server, byHash(hashOf(ME)))).toMatchObject({ status: 429, code: 'RATE_LIMITED' })
  })
})

describe('a client that names documents by their hash', () => {
  test('registers what it sends with it, once it was found good', async () => {
    const server = await startServer(makeFolder())
    const [good, bad] = ['query Me { viewer { userId } }', '{ nothing }']
    expect(await post(server, byHash(hashOf(good)))).toMatchObject({ code: 'PERSISTED_QUERY_NOT_FOUND' })
    expect(await post(server, byHash(hashOf(good), { query: good }))).toMatchObject({ data: ANN })
    expect(await post(server, byHash(hashOf(good)))).toMatchObject({ data: ANN })
    expect(await post(server, byHash(hashOf(bad), { query: bad }))).toMatchObject({ status: 400 })
    expect(await post(server, byHash(hashOf(bad)))).toMatchObject({ code: 'PERSISTED_QUERY_NOT_FOUND' })
  })

  test('cannot fill the memory: what was registered first is forgotten', async () => {
    const server = await startServer(makeFolder())
    const size = 200_000
    const documentOf = (n: number) => `${ME} # ${n} ${'x'.repeat(size)}`
    const count = Math.ceil(LIMITS.registeredDocumentBytes.value / (2 * size)) + 1
    for (let n = 0; n < count; n++)
      expect(await post(server, byHash(hashOf(documentOf(n)), { query: documentOf(n) }))).toMatchObject({ data: ANN })
    expect(await post(server, byHash(hashOf(documentOf(0))))).toMatchObject({ code: 'PERSISTED_QUERY_NOT_FOUND' })
    expect(await post(server, byHash(hashOf(documentOf(count - 1))))).toMatchObject({ data: ANN })
  })

  test('cannot register anything under the hash of something else', async () => {
    const server = await startServer(makeFolder())
    for (const persistedQuery of [
      { version: 1, sha256Hash: hashOf('{ health { state } }') },
      { version: 2, sha256Hash: hashOf(ME) },
      { version: 1, sha256Hash: { toString: 1 } },
      {},
      null,
    ]) {
      const { status, code, message } = await post(server, { query: ME, extensions: { persistedQuery } })
      expect([status, code], message).toEqual([400, 'INVALID_ARGUMENT'])
    }
    expect(server.log()).not.toContain('a resolver failed')
  })
})

test('files that are no operations are told at the start', () => {
  const folder = makeFolder()
  const write = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  for (const path of [
    write('torn.graphql', 'query {'),
    write('torn.json', '{'),
    write('numbers.json', '{"a": 1}'),
    write('documents.json', '{"a": "query {"}'),
  ])
    expect(() => readKnownOperations([path])).toThrow(`known operations: ${path}: `)
  expect(() => readKnownOperations([join(folder, 'missing')])).toThrow('KNOWN_OPERATIONS: ENOENT')
})
