import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { startServer, type TestServer } from '../support/server.ts'
import { makeFolder } from '../support/transcripts.ts'

const INPUT = {
  records: [
    {
      sessionId: 's',
      project: 'p',
      model: 'm',
      occurredAt: '2026-04-02T09:15:03Z',
      tokens: { input: '1', output: '0' },
    },
  ],
}
const aliases = (count: number, field: string) => Array.from({ length: count }, (_, i) => `a${i}: ${field}`).join(' ')
const INGEST = 'ingestTokenRecords(input: $input) { accepted }'
const CHOOSE = 'setSourcePreference(preference: LEGACY) { preference }'

const journalBytes = (server: TestServer): number => {
  const folder = join(server.folder, 'data', 'journal')
  const segments = readdirSync(folder).filter((name) => name.endsWith('.journal'))
  return segments.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)
}

const BOTH = ['ingester', 'operator'] as const

describe('one operation', () => {
  test.each([
    ['by aliases', `mutation ($input: IngestTokenRecordsInput!) { ${aliases(150, INGEST)} }`],
    ['by an alias beside the name', `mutation ($input: IngestTokenRecordsInput!) { ${INGEST} b: ${INGEST} }`],
    [
      'by a fragment',
      `mutation ($input: IngestTokenRecordsInput!) { ...A b: ${INGEST} } fragment A on Mutation { ${INGEST} }`,
    ],
    [
      'by fragments in fragments',
      `mutation ($input: IngestTokenRecordsInput!) { ...A ...B }
       fragment A on Mutation { ... on Mutation { ... { x: ${INGEST} } } } fragment B on Mutation { ...C }
       fragment C on Mutation { y: ${INGEST} }`,
    ],
    [
      'where a variable includes it',
      `mutation ($input: IngestTokenRecordsInput!, $yes: Boolean = true) { ${INGEST} b: ingestTokenRecords(input: $input) @include(if: $yes) { accepted } }`,
    ],
    [
      'in one of several operations',
      `query Q { viewer { userId } } mutation M($input: IngestTokenRecordsInput!) { a: ${INGEST} b: ${INGEST} }`,
    ],
  ])('brings records in once: more is refused before anything is done, %s', async (how, query) => {
    const server = await startServer(makeFolder())
    const more = how === 'in one of several operations' ? { operationName: 'M' } : {}
    const { status, data, errors } = await server.ask(query, { input: INPUT }, BOTH, more)
    expect(status).toBe(400)
    expect(data).toBeUndefined()
    expect(errors?.[0]?.extensions).toEqual({ code: 'QUERY_TOO_EXPENSIVE', retryable: false })
    expect(errors?.[0]?.message).toContain('ingestTokenRecords')
    expect(journalBytes(server)).toBe(0)
  })

  test('uses a variable once in the records that it brings in', async () => {
    const server = await startServer(makeFolder())
    const query = `mutation ($r: TokenRecordInput!) { ingestTokenRecords(input: { records: [${'$r '.repeat(1000)}] }) { accepted } }`
    const { status, errors } = await server.ask(query, { r: INPUT.records[0] }, BOTH)
    expect(status).toBe(400)
    expect(errors?.[0]?.extensions.code).toBe('QUERY_TOO_EXPENSIVE')
    expect(journalBytes(server)).toBe(0)
  })

  test('chooses a source once', async () => {
    const server = await startServer(makeFolder())
    const { errors } = await server.ask(`mutation { ${aliases(2, CHOOSE)} }`, {}, BOTH)
    expect(errors?.[0]?.extensions.code).toBe('QUERY_TOO_EXPENSIVE')
    expect(journalBytes(server)).toBe(0)
  })

  test('may name the same field twice where GraphQL makes one of it, and have one of each', async () => {
    const server = await startServer(makeFolder())
    const { data, errors } = await server.ask(
      `mutation ($input: IngestTokenRecordsInput!) { ...A ${INGEST} c: ${CHOOSE} }
       fragment A on Mutation { ingestTokenRecords(input: $input) { replayed } }`,
      { input: INPUT },
      BOTH,
    )
    expect(errors).toBeUndefined()
    expect(data).toEqual({ ingestTokenRecords: { accepted: 1, replayed: false }, c: { preference: 'LEGACY' } })
  })

  test('with fragments that name each other twice at every level is told in time', async () => {
    const server = await startServer(makeFolder())
    const levels = Array.from({ length: 16 }, (_, i) => `fragment F${i} on Mutation { ...F${i + 1} ...F${i + 1} }`)
    const query = `mutation ($input: IngestTokenRecordsInput!) { ...F0 b: ${INGEST} } ${levels.join(' ')} fragment F16 on Mutation { ${INGEST} }`
    const { errors } = await server.ask(query, { input: INPUT }, BOTH)
    expect(errors?.[0]?.extensions.code).toBe('QUERY_TOO_EXPENSIVE')
  })
})

describe('a choice of source', () => {
  const choose = async (server: TestServer, preference: string, userId = 'ann') => {
    const query = `mutation { setSourcePreference(preference: ${preference}) { userId preference } }`
    const { data, errors } = await server.ask(query, {}, ['operator'], { user: userId })
    return errors?.[0]?.extensions.code ?? data.setSourcePreference
  }

  test('that is the stored one already writes nothing', async () => {
    const server = await startServer(makeFolder())
    expect(await choose(server, 'AUTO')).toEqual({ userId: 'ann', preference: 'AUTO' })
    expect(journalBytes(server)).toBe(0)
    await choose(server, 'LEGACY')
    const one = journalBytes(server)
    expect(one).toBeGreaterThan(0)
    await Promise.all(Array.from({ length: 20 }, () => choose(server, 'LEGACY')))
    expect(journalBytes(server)).toBe(one)
    await Promise.all(Array.from({ length: 20 }, () => choose(server, 'CLICKHOUSE')))
    expect(journalBytes(server)).toBeLessThan(3 * one)
  })

  test('is each user’s own, however many choose at once, also after a restart', async () => {
    const folder = makeFolder()
    const first = await startServer(folder)
    const users = Array.from({ length: 20 }, (_, i) => [`user-${i}`, i % 2 === 0 ? 'LEGACY' : 'CLICKHOUSE'] as const)
    const answers = await Promise.all(users.map(([user, preference]) => choose(first, preference, user)))
    expect(answers).toEqual(users.map(([userId, preference]) => ({ userId, preference })))
    await first.close()
    const second = await startServer(folder)
    for (const [user, preference] of users) {
      const { data } = await second.ask('{ viewer { preference } }', {}, ['viewer'], { user })
      expect(data.viewer.preference).toBe(preference)
    }
  })

  test('that goes back and forth is refused after a while, for this user alone', async () => {
    const server = await startServer(makeFolder())
    const answers: unknown[] = []
    for (let i = 0; i < 60; i++) answers.push(await choose(server, i % 2 === 0 ? 'LEGACY' : 'AUTO'))
    expect(answers).not.toContain('OVERLOADED')
    expect(await choose(server, 'LEGACY')).toBe('OVERLOADED')
    expect(await choose(server, 'AUTO')).toEqual({ userId: 'ann', preference: 'AUTO' })
    expect(await choose(server, 'LEGACY', 'bob')).toEqual({ userId: 'bob', preference: 'LEGACY' })
  })
})
