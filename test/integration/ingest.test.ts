import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { startServer, type TestServer } from '../support/server.ts'
import { line, makeFolder, writeTranscripts } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

const INGEST = `mutation ($input: IngestTokenRecordsInput!) {
  ingestTokenRecords(input: $input) { accepted rejected { index code field message } durability replayed }
}`

interface Record {
  [member: string]: unknown
}
const record = (more: Record = {}): Record => ({
  sessionId: 'session-9',
  project: 'shop',
  model: 'claude-sonnet-4-5',
  occurredAt: '2026-04-02T09:15:03Z',
  tokens: { input: '10', output: '20', cacheCreation: '30', cacheRead: '40' },
  ...more,
})

async function ingest(server: TestServer, records: Record[], idempotencyKey?: string) {
  const { data, errors } = await server.ask(INGEST, { input: { records, idempotencyKey } }, ['ingester'])
  return { ...data?.ingestTokenRecords, error: errors?.[0]?.extensions }
}

async function total(server: TestServer): Promise<string> {
  const { data } = await server.ask('{ tokenMetrics { tokens { total } } }')
  return data.tokenMetrics.tokens.total
}
const untilTotal = (server: TestServer, wanted: number) =>
  until(`a total of ${wanted}`, async () => ((await total(server)) === String(wanted) ? true : undefined))

describe('ingestTokenRecords', () => {
  test('accepts records, and the legacy source counts them with the transcripts', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, { 'p/a.jsonl': [line({ usage: { input_tokens: 1, output_tokens: 2 } })] })
    const server = await startServer(folder)
    expect(
      await ingest(server, [
        record(),
        record({ messageId: 'msg_2', user: 'bob', host: 'tower', branch: 'b'.repeat(200) }),
      ]),
    ).toMatchObject({
      accepted: 2,
      rejected: [],
      durability: expect.stringMatching(/JOURNALED|STORED/),
      replayed: false,
    })
    await untilTotal(server, 203)
    const { data } = await server.ask(
      '{ tokenMetrics { byUser { user tokens { total } } byProject { project } breakdown(by: [USER, BRANCH], orderBy: VALUE_ASC) { values { value } } sessions(orderBy: TOKENS_DESC) { edges { node { id project user host } } } } }',
    )
    expect(data.tokenMetrics.byUser).toEqual([
      { user: 'ann', tokens: { total: '103' } },
      { user: 'bob', tokens: { total: '100' } },
    ])
    expect(data.tokenMetrics.breakdown).toEqual([
      { values: [{ value: 'ann' }, { value: '' }] },
      { values: [{ value: 'bob' }, { value: 'b'.repeat(200) }] },
    ])
    expect(data.tokenMetrics.byProject).toEqual([{ project: 'shop' }, { project: 'p' }])
    expect(data.tokenMetrics.sessions.edges[0].node).toMatchObject({ id: 'session-9', project: 'shop' })
  })

  test('tells every mistake per record and field, and accepts the valid ones beside them', async () => {
    const server = await startServer(makeFolder())
    const answer = await ingest(server, [
      record({ sessionId: 'bad id', project: '' }),
      record(),
      record({ occurredAt: '2026-02-30T00:00:00Z', tokens: { input: '-1', output: '1000000000001' } }),
      record({ occurredAt: 'yesterday', tokens: { input: '1.5', output: 'many', cacheRead: '1', cacheCreation1h: 5 } }),
      record({ tokens: { input: '1000000000000', output: '0' }, messageId: 'x'.repeat(201), identity: 'zz' }),
      record({ branch: 'b'.repeat(201) }),
      record({ host: 'a\u0007b', origin: { path: 'x', offset: '-1' } }),
    ])
    expect(answer.accepted).toBe(1)
    expect(
      answer.rejected.map((r: { index: number; code: string; field: string }) => [r.index, r.code, r.field]),
    ).toEqual([
      [0, 'invalid_session_id', 'sessionId'],
      [0, 'invalid_text', 'project'],
      [2, 'invalid_timestamp', 'occurredAt'],
      [2, 'invalid_tokens', 'tokens.input'],
      [2, 'token_count_out_of_range', 'tokens.output'],
      [3, 'invalid_timestamp', 'occurredAt'],
      [3, 'invalid_tokens', 'tokens.input'],
      [3, 'invalid_tokens', 'tokens.output'],
      [3, 'invalid_tokens', 'tokens.cacheCreation1h'],
      [4, 'invalid_text', 'messageId'],
      [4, 'invalid_identity', 'identity'],
      [5, 'invalid_text', 'branch'],
      [6, 'invalid_text', 'host'],
      [6, 'invalid_identity', 'origin.offset'],
    ])
    for (const { message, field } of answer.rejected) expect(message).toContain(field)
    await untilTotal(server, 100)
  })

  test('a call in which nothing is valid accepts nothing, and an empty one too', async () => {
    const server = await startServer(makeFolder())
    expect(await ingest(server, [record({ sessionId: '' })])).toMatchObject({ accepted: 0, durability: null })
    expect(await ingest(server, [])).toMatchObject({ accepted: 0, rejected: [], durability: null, replayed: false })
  })

  test('at most 1000 records a call', async () => {
    const server = await startServer(makeFolder())
    const records = Array.from({ length: 1001 }, () => record())
    expect(await ingest(server, records)).toMatchObject({
      error: { code: 'INVALID_ARGUMENT', argument: 'input.records' },
    })
    expect(await ingest(server, records.slice(1))).toMatchObject({ accepted: 1000 })
    await untilTotal(server, 100_000)
  })

  test('the same key with the same content gives the first answer again, also after a restart; other content is a conflict', async () => {
    const folder = makeFolder()
    const first = await startServer(folder)
    const records = [record(), record({ sessionId: '' })]
    const answer = await ingest(first, records, 'key-1')
    expect(answer).toMatchObject({ accepted: 1, replayed: false, rejected: [{ index: 1 }] })
    const same = { accepted: answer.accepted, rejected: answer.rejected, replayed: true }
    expect(await ingest(first, records, 'key-1')).toMatchObject(same)
    expect(await ingest(first, [record()], 'key-1')).toMatchObject({
      error: { code: 'IDEMPOTENCY_CONFLICT', argument: 'input.idempotencyKey' },
    })
    await first.close()
    const second = await startServer(folder)
    expect(await total(second)).toBe('100')
    expect(await ingest(second, records, 'key-1')).toMatchObject(same)
    expect(await ingest(second, [record()], 'key-1')).toMatchObject({ error: { code: 'IDEMPOTENCY_CONFLICT' } })
    expect(await ingest(second, [record()], 'key-2')).toMatchObject({ accepted: 1, replayed: false })
    await untilTotal(second, 200)
  })

  test('calls under one key at once are one call', async () => {
    const server = await startServer(makeFolder())
    const answers = await Promise.all(Array.from({ length: 10 }, () => ingest(server, [record()], 'key')))
    expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1)
    await untilTotal(server, 100)
  })

  test('records without key or message id are records of their own', async () => {
    const server = await startServer(makeFolder())
    await ingest(server, [record(), record()])
    await ingest(server, [record()])
    await untilTotal(server, 300)
  })

  test('copies of one message are counted once: the largest by mutation, and a transcript’s before all', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, { 'p/a.jsonl': [line({ id: 'msg_t', usage: { input_tokens: 1, output_tokens: 1 } })] })
    const server = await startServer(folder)
    await ingest(server, [
      record({ messageId: 'msg_t' }),
      record({ messageId: 'msg_m' }),
      record({ messageId: 'msg_m', tokens: { input: '500', output: '0' } }),
      record({ messageId: 'msg_m', sidechain: true, tokens: { input: '900', output: '0' } }),
    ])
    await untilTotal(server, 502)
  })

  test('what was submitted is nowhere in the clear: not in the journal, the index or the log', async () => {
    const folder = makeFolder()
    const server = await startServer(folder)
    await ingest(server, [record({ project: 'secret-project', messageId: 'msg_secret' })])
    await untilTotal(server, 100)
    await server.close()
    const files = readdirSync(join(folder, 'data'), { recursive: true, encoding: 'utf8' })
      .map((name) => join(folder, 'data', name))
      .filter((path) => statSync(path).isFile() && !path.includes('clickhouse'))
    expect(files.some((path) => path.endsWith('.journal'))).toBe(true)
    for (const path of files) expect(readFileSync(path).includes('secret-project'), path).toBe(false)
    expect(server.log()).not.toContain('secret-project')
  })

  test('needs the role ingester', async () => {
    const server = await startServer(makeFolder())
    const { errors } = await server.ask(INGEST, { input: { records: [] } }, ['viewer', 'operator'])
    expect(errors?.[0]?.extensions.code).toBe('FORBIDDEN')
  })
})
