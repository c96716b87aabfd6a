import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { signToken } from '../../src/access/tokens.ts'
import { start } from '../support/cli.ts'
import { type ClickHouseServer, clickhouseSettings, startClickHouseServer } from '../support/clickhouse-server.ts'
import { post } from '../support/graphql-client.ts'
import { startProxy } from '../support/tcp-proxy.ts'
import { line, makeFolder, writeTranscripts } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

let clickhouse: ClickHouseServer
beforeAll(async () => {
  clickhouse = await startClickHouseServer()
})
afterAll(() => clickhouse.stop())

const SECRET = 'a secret that all instances share, of enough bytes'
const RECORD = `{ sessionId: "s", project: "p", model: "m", occurredAt: "2026-04-02T09:00:00Z", tokens: { input: 100, output: 0 } }`

/** Starts real servers with one database and the same transcripts, each with a journal under its own data folder. */
async function scene() {
  const folder = makeFolder()
  writeTranscripts(folder, { 'p/a.jsonl': [1, 2, 3].map((i) => line({ id: `msg_a_${i}`, session: 'a' })) })
  const token = await signToken(Buffer.from(SECRET), { userId: 'ann', roles: ['viewer', 'operator', 'ingester'] }, 600)
  return async (name: string, clickhouseUrl = clickhouse.url) => {
    const { stdout, signal, ended } = start(['serve'], folder, {
      DATA_DIR: join(folder, name),
      TRANSCRIPTS_DIR: `ann@laptop=${join(folder, 'projects')}`,
      AUTH_JWT_SECRET: SECRET,
      ...clickhouseSettings(clickhouseUrl, 'killed'),
      RESCAN_INTERVAL_MS: '300',
      PORT: '0',
    })
    const url = await until('the server', () => /answers at (\S+)\/graphql/.exec(stdout())?.[1])
    const mutate = async (mutation: string): Promise<void> => {
      expect((await post(url, token, { query: `mutation { ${mutation} }` })).errors).toBeUndefined()
    }
    const told = async () => {
      const { data } = await post(url, token, {
        query: `{ tokenMetrics { tokens { total } provenance { source stale } } health { components { name detail } } }`,
      })
      const { tokens, provenance } = data.tokenMetrics
      const detailOf = (of: string) =>
        data.health.components.find(({ name: one }: { name: string }) => one === of).detail
      return {
        total: Number(tokens.total),
        ...provenance,
        publisher: detailOf('publisher'),
        journal: detailOf('journal'),
      }
    }
    const whenTold = (what: string, is: (now: Awaited<ReturnType<typeof told>>) => boolean) =>
      until(what, async () => {
        const now = await told()
        return is(now) ? now : undefined
      })
    const end = async (by: NodeJS.Signals): Promise<void> => {
      signal(by)
      await ended
    }
    return { told, whenTold, mutate, end }
  }
}

test('a publisher that was killed with what nobody else can read makes the others stale until it has published it', async () => {
  const proxy = await startProxy(clickhouse.url)
  const serve = await scene()
  const first = await serve('first', proxy.url)
  const second = await serve('second')
  await first.mutate('startMigration { id }')
  await second.whenTold('the run to end', ({ source, stale }) => source === 'CLICKHOUSE' && !stale)
  await proxy.cut()
  await first.mutate(`ingestTokenRecords(input: { records: [${RECORD}] }) { accepted }`)
  await first.end('SIGKILL')
  const lacking: boolean[] = []
  const successor = await second.whenTold('it to go on', ({ total, stale, publisher }) => {
    lacking.push(total === 6 && stale)
    return publisher.startsWith('this instance')
  })
  expect(lacking).not.toContain(false)
  expect(successor.journal).toContain('that is not shared with this instance')

  await proxy.restore()
  const again = await serve('first', proxy.url)
  // stale for as long as the database answers no look within half a second, as on a busy machine
  await again.whenTold('its own record', ({ total, stale }) => total === 106 && !stale)
  expect(await second.told()).toMatchObject({ total: 6, stale: true })
  // now the first one may publish
  await second.end('SIGTERM')
  await again.whenTold('it to publish', ({ source, total }) => source === 'CLICKHOUSE' && total === 106)
  const last = await serve('second')
  await last.whenTold('everything', ({ source, total, stale, journal }) => {
    return source === 'CLICKHOUSE' && total === 106 && !stale && !journal.includes('not shared')
  })
})
