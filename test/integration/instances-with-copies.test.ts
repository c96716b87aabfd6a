// Several instances, each with a copy of the transcripts: other files, another path, another user and host.
import { appendFileSync, cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { type ClickHouseServer, clickhouseSettings, startClickHouseServer } from '../support/clickhouse-server.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { line, makeFolder, writeTranscripts } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

let clickhouse: ClickHouseServer
beforeAll(async () => {
  clickhouse = await startClickHouseServer()
})
afterAll(() => clickhouse.stop())

const OWNERS = [
  { user: 'ann', host: 'laptop' },
  { user: 'root', host: 'aardvark' },
  { user: 'node', host: 'zebra' },
] as const

/** Three instances with one database and one Redis. Each has a disk of its own. */
async function three() {
  const folders = OWNERS.map(() => makeFolder())
  const [first = ''] = folders
  const line2 = (id: string, session: string) => line({ id, session })
  writeTranscripts(first, {
    'p/a.jsonl': [1, 2, 3].map((i) => line2(`msg_a_${i}`, 'a')),
    'p/b.jsonl': [line2('msg_both', 'b'), line2('msg_b', 'b')],
    'q/c.jsonl': [line2('msg_c', 'c'), line2('msg_both', 'c')],
  })
  const servers: TestServer[] = []
  for (const [i, folder] of folders.entries()) {
    const transcripts = join(folder, `${i}`, 'projects')
    cpSync(join(first, 'projects'), transcripts, { recursive: true })
    const data = join(folder, 'data')
    mkdirSync(data, { mode: 0o700 })
    writeFileSync(join(data, 'journal-key'), `${Buffer.alloc(32, 7).toString('hex')}\n`, { mode: 0o600 })
    const settings = {
      DATA_DIR: data,
      TRANSCRIPTS_DIR: transcripts,
      JOURNAL_DIR: join(first, 'journal'),
      ...clickhouseSettings(clickhouse.url, 'copies'),
      REDIS_URL: inject('redisUrl'),
      RESCAN_INTERVAL_MS: '200',
    }
    servers.push(await startServer(folder, settings, OWNERS[i]))
  }
  const pathOf = (i: number, name: string): string => join(folders[i] as string, `${i}`, 'projects', name)
  return { servers, pathOf }
}

const QUESTION = `{ tokenMetrics {
  tokens { total } recordCount sessionCount provenance { source }
  byHost: breakdown(by: [HOST]) { values { value } tokens { total } }
  byUser: breakdown(by: [USER]) { values { value } tokens { total } }
  sessions(first: 10) { edges { node { id project user host tokens { total } } } } } }`
const told = async (server: TestServer) => {
  const { data, errors } = await server.ask(QUESTION)
  if (errors !== undefined) throw new Error(errors[0]?.message)
  return data.tokenMetrics
}
const whenTold = (server: TestServer, total: number) =>
  until(`${total} tokens from ClickHouse`, async () => {
    const { provenance, ...rest } = await told(server)
    return provenance.source === 'CLICKHOUSE' && rest.tokens.total === String(total) ? rest : undefined
  })

test('instances with copies of the transcripts answer the same, in every breakdown, and one goes on for another that is gone', async () => {
  const { servers, pathOf } = await three()
  const [first, second] = servers as [TestServer, TestServer]
  const { errors } = await first.ask('mutation { startMigration { id } }', {}, ['viewer', 'operator'])
  expect(errors).toBeUndefined()
  const expected = await whenTold(first, 12)
  expect(expected.byHost).toEqual([{ values: [{ value: 'laptop' }], tokens: { total: '12' } }])
  for (const other of servers) expect(await whenTold(other, 12)).toEqual(expected)
  await first.close()
  const left = servers.slice(1)
  const publisher = await until('another one to publish', async () => {
    for (const server of left) {
      const { data } = await server.ask('{ health { components { name detail } } }', {}, ['operator'])
      const found = data.health.components.some(
        ({ name, detail }: { name: string; detail: string }) =>
          name === 'publisher' && detail.startsWith('this instance'),
      )
      if (found) return server
    }
    return undefined
  })
  expect(publisher.log()).toContain('what another instance has published goes on')
  for (const i of OWNERS.keys()) appendFileSync(pathOf(i, 'p/a.jsonl'), `${line({ id: 'msg_later', session: 'a' })}\n`)
  const after = await whenTold(second, 14)
  for (const other of left) expect(await whenTold(other, 14)).toEqual(after)
  expect(after.byHost).toEqual([{ values: [{ value: 'laptop' }], tokens: { total: '14' } }])
})
