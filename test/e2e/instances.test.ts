import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { signToken } from '../../src/access/tokens.ts'
import { openDatabase } from '../../src/clickhouse/database.ts'
import { start } from '../support/cli.ts'
import {
  type ClickHouseServer,
  clickhouseSettings,
  PASSWORD,
  startClickHouseServer,
  USER,
} from '../support/clickhouse-server.ts'
import { post } from '../support/graphql-client.ts'
import { count } from '../support/migration-scene.ts'
import { line, makeFolder, writeTranscripts } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

let clickhouse: ClickHouseServer
beforeAll(async () => {
  clickhouse = await startClickHouseServer()
})
afterAll(() => clickhouse.stop())

const SECRET = 'a secret that all instances share, of enough bytes'
/** Seconds until another instance goes on for one that is gone. */
const TAKEN_OVER_SECONDS = 15

/**
 * Two real servers with one database, one journal and the same transcripts, of which the second has a copy of its own:
 * the first of them publishes.
 */
async function scene(database: string, files: number, lines: number) {
  const folder = makeFolder()
  for (let file = 0; file < files; file++)
    writeTranscripts(folder, {
      [`p/${file}.jsonl`]: Array.from({ length: lines }, (_, i) =>
        line({ id: `msg_${file}_${i}`, session: `${file}` }),
      ),
    })
  const token = await signToken(Buffer.from(SECRET), { userId: 'ann', roles: ['viewer', 'operator', 'ingester'] }, 600)
  const key = join(folder, 'key')
  writeFileSync(key, `${Buffer.alloc(32, 7).toString('hex')}\n`, { mode: 0o600 })
  const serve = async (name: string, transcripts: string) => {
    const { stdout, signal, ended } = start(['serve'], folder, {
      DATA_DIR: join(folder, name),
      JOURNAL_DIR: join(folder, 'journal'),
      JOURNAL_KEY_FILE: key,
      TRANSCRIPTS_DIR: transcripts,
      AUTH_JWT_SECRET: SECRET,
      ...clickhouseSettings(clickhouse.url, database),
      RESCAN_INTERVAL_MS: '300',
      PORT: '0',
    })
    const url = await until('the server', () => /answers at (\S+)\/graphql/.exec(stdout())?.[1])
    const told = async () => {
      const { data: answered } = await post(url, token, {
        query: `{
          tokenMetrics { tokens { total } provenance { source reason } }
          migration { id state progress tokensVerified }
          health { components { name detail } } }`,
      })
      const { tokens, provenance } = answered.tokenMetrics
      const publisher = answered.health.components.find(({ name }: { name: string }) => name === 'publisher').detail
      return { total: Number(tokens.total), source: provenance.source, run: answered.migration, publisher }
    }
    const mutate = async (mutation: string) => post(url, token, { query: `mutation { ${mutation} }` })
    const whenTold = (what: string, is: (now: Awaited<ReturnType<typeof told>>) => boolean, seconds?: number) =>
      until(
        what,
        async () => {
          const now = await told()
          return is(now) ? now : undefined
        },
        seconds,
      )
    return { told, whenTold, mutate, signal, ended }
  }
  const copy = join(folder, 'copy', 'projects')
  cpSync(join(folder, 'projects'), copy, { recursive: true })
  return { first: await serve('first', `ann@laptop=${join(folder, 'projects')}`), second: await serve('second', copy) }
}

describe('the instance that publishes', () => {
  test('is killed in the middle of a run: another one goes on with it within 15 seconds, from where it was, by a copy of the transcripts', async () => {
    const { first, second } = await scene('killed', 60, 1000)
    await first.mutate('startMigration { id }')
    const half = await first.whenTold('half of the run', ({ run }) => Number(run?.tokensVerified) > 0)
    expect(half.run).toMatchObject({ state: 'RUNNING' })
    first.signal('SIGKILL')
    await first.ended
    await second.whenTold('it to go on', ({ publisher }) => publisher.startsWith('this instance'), TAKEN_OVER_SECONDS)
    const { run } = await second.told()
    expect(run.id).toBe(half.run.id)
    expect(Number(run.tokensVerified)).toBeGreaterThanOrEqual(Number(half.run.tokensVerified))
    const end = await second.whenTold('the run to end', ({ run: now }) => now.state === 'COMPLETED')
    expect(end).toMatchObject({ total: 120_000, source: 'CLICKHOUSE', run: { id: half.run.id, progress: 1 } })
    const connection = { url: clickhouse.url, user: USER, password: PASSWORD, folder: '' }
    const db = await openDatabase({ ...connection, database: 'killed' })
    onTestFinished(() => db.close())
    // each record is carried once, and as the first called it
    const published = "SELECT batch FROM batches FINAL WHERE state = 'published'"
    expect(await count(db, `copies WHERE batch IN (${published})`)).toBe(60_000)
    expect(await count(db, "copies WHERE host != 'laptop'")).toBe(0)
  })

  test('stalls: another one goes on within 15 seconds, and when the first wakes up it publishes nothing and reads along', async () => {
    const { first, second } = await scene('stalled', 3, 100)
    await first.mutate('startMigration { id }')
    await second.whenTold('the run to end', ({ run, source }) => run?.state === 'COMPLETED' && source === 'CLICKHOUSE')
    first.signal('SIGSTOP')
    await second.whenTold('it to go on', ({ publisher }) => publisher.startsWith('this instance'), TAKEN_OVER_SECONDS)
    const record = `{ sessionId: "s", project: "p", model: "m", occurredAt: "2026-04-02T09:00:00Z", tokens: { input: 100, output: 0 } }`
    await second.mutate(`ingestTokenRecords(input: { records: [${record}] }) { accepted }`)
    await second.whenTold('it to publish', ({ total, source }) => total === 700 && source === 'CLICKHOUSE')
    first.signal('SIGCONT')
    const woken = await first.whenTold(
      'the first to read along',
      ({ total, source }) => total === 700 && source === 'CLICKHOUSE',
    )
    expect(woken.publisher).not.toContain('this instance')
    expect(await second.told()).toMatchObject({ total: 700, publisher: expect.stringContaining('this instance') })
  })
})

describe('a key of the journal', () => {
  const short = 'c2hvcnQ='
  test.each([
    [
      'that is no key',
      { JOURNAL_KEY: short },
      'invalid settings: JOURNAL_KEY must be 32 bytes, as base64 or hexadecimal',
    ],
    [
      'that is given twice',
      { JOURNAL_KEY: '07'.repeat(32), JOURNAL_KEY_FILE: 'key' },
      'invalid settings: JOURNAL_KEY and JOURNAL_KEY_FILE are both set: set one of them',
    ],
    [
      'from a file that is not there',
      { JOURNAL_KEY_FILE: 'none' },
      /^JOURNAL_KEY_FILE \(\S+none\) cannot be read \(ENOENT\)$/,
    ],
    [
      'that others can read',
      { JOURNAL_KEY_FILE: 'open' },
      /^JOURNAL_KEY_FILE \(\S+open\) can be read by others: chmod 600 it$/,
    ],
    [
      'from a file that holds none',
      { JOURNAL_KEY_FILE: 'key' },
      /^JOURNAL_KEY_FILE \(\S+key\) does not hold a key of /,
    ],
  ])('%s keeps the server from starting, with one line that names the setting', async (_what, settings, line) => {
    const folder = makeFolder()
    for (const [name, mode] of [
      ['open', 0o644],
      ['key', 0o600],
    ] as const)
      writeFileSync(join(folder, name), short, { mode })
    const { code, stdout, stderr } = await start(['serve'], folder, { PORT: '0', ...settings }).ended
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(/^token-bridge: [^\n]+\n$/)
    expect(stderr.slice('token-bridge: '.length, -1)).toEqual(
      typeof line === 'string' ? line : expect.stringMatching(line),
    )
    expect(stderr).not.toContain(short)
    expect(stderr).not.toContain('0707')
  })
})
