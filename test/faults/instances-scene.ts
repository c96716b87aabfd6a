import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Random } from '../../corpus/random.ts'
import { startRedis } from '../support/redis-setup.ts'
import { type Dependencies, startDependencies } from './dependencies.ts'
import type { Dependency } from './faults.ts'
import { type Counted, plus } from './judge.ts'
import { type Asked, createWorld, type World } from './kill-world.ts'
import { type MortalClickHouse, startMortalClickHouse } from './mortal-clickhouse.ts'
import { type Answer, type Server, startServer } from './server-process.ts'

/** Instances with one ClickHouse server, one Redis, one journal and the same transcripts, each with a data folder of its own. */
export interface Scene {
  world: World
  /** Where the transcripts are, in `projects`. */
  folder: string
  journalDir: string
  clickhouse: MortalClickHouse
  /** What happens to what they depend on; `undefined` where nothing is to happen to it. */
  dependencies: Dependencies | undefined
  /** `undefined` where it was killed before it answered. */
  start(instance: number, settings?: Record<string, string>, stallMs?: number): Promise<Server | undefined>
  /** The latest server of an instance; `undefined` before there was one. */
  server(instance: number): Server | undefined
  dataDirOf(instance: number): string
  /** Whoever publishes; nobody answers while nobody does. */
  publisher: Asked
  /** How often somebody else published than the time before. */
  takeovers(): number
  /** What is in the table that readers count. */
  rows(): Promise<Counted>
  close(): Promise<void>
}

export interface SceneOptions {
  random: Random
  /** A step that is broken on purpose in all of them (`preload.ts`). */
  broken?: string | undefined
  /** For how long the ClickHouse server keeps a connection on which nothing is asked. */
  keepAliveSeconds?: number
  /** To these, faults are to happen; absent: to none of them. Without Unleash the flags are those of the program. */
  faulty?: Dependency[]
}

export async function createScene({ random, broken, keepAliveSeconds, faulty }: SceneOptions): Promise<Scene> {
  const folder = mkdtempSync(join(tmpdir(), 'token-bridge-instances-'))
  const dependencies = faulty && (await startDependencies(join(folder, 'clickhouse'), faulty))
  const { clickhouse, redis } = dependencies
    ? { clickhouse: dependencies.clickhouse, redis: undefined }
    : await startParts(folder, keepAliveSeconds)
  const journalDir = join(folder, 'journal')
  const servers = new Map<number, Server>()
  const dataDirOf = (instance: number): string => join(folder, `data-${instance}`)
  const shared: Record<string, string> = {
    ...(dependencies?.settings ?? { ...clickhouse.settings, REDIS_URL: redis?.url ?? '' }),
    JOURNAL_DIR: journalDir,
    AUTH_JWT_SECRET: 'a secret that all instances share, of enough bytes',
    ...(broken === undefined ? {} : { BREAK: broken }),
  }
  const finding = createPublisher(servers)
  return {
    world: createWorld(folder, random),
    folder,
    journalDir,
    clickhouse,
    dependencies,
    async start(instance, settings = {}, stallMs) {
      const dataDir = dataDirOf(instance)
      giveKey(dataDir)
      // what is logged of faults is expected
      const server = await startServer({
        folder,
        dataDir,
        settings: { ...shared, ...settings },
        stallMs,
        isQuiet: true,
      })
      if (server !== undefined) servers.set(instance, server)
      return server
    },
    server: (instance) => servers.get(instance),
    dataDirOf,
    ...finding,
    rows: () => rowsOf(clickhouse),
    async close() {
      await Promise.all([...servers.values()].map((server) => server.kill()))
      await (dependencies === undefined ? clickhouse.stop() : dependencies.close())
      redis?.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function startParts(folder: string, keepAliveSeconds: number | undefined) {
  const [clickhouse, redis] = await Promise.all([
    startMortalClickHouse(join(folder, 'clickhouse'), keepAliveSeconds),
    startRedis(),
  ])
  return { clickhouse, redis }
}

/** All instances read the journal with one key. */
function giveKey(dataDir: string): void {
  const path = join(dataDir, 'journal-key')
  if (existsSync(path)) return
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  writeFileSync(path, `${Buffer.alloc(32, 7).toString('hex')}\n`, { mode: 0o600 })
}

/** Asks whoever says that it publishes. One that is stopped is not waited for where another one does. */
function createPublisher(servers: ReadonlyMap<number, Server>): Pick<Scene, 'publisher' | 'takeovers'> {
  let latest: number | undefined
  let takeovers = 0
  const find = async (): Promise<Server> => {
    const [instance, server] = await Promise.any(
      [...servers].map(async ([i, one]): Promise<[number, Server]> => {
        if (await publishes(one)) return [i, one]
        throw new Error('somebody else publishes')
      }),
    )
    if (latest !== undefined && instance !== latest) takeovers++
    latest = instance
    return server
  }
  return {
    takeovers: () => takeovers,
    publisher: {
      isAlive: () => true,
      async ask(query, variables): Promise<Answer | undefined> {
        const server = await find().catch(() => undefined)
        return server?.ask(query, variables)
      },
    },
  }
}

export const publishes = async (server: Asked): Promise<boolean> =>
  (await publisherOf(server))?.detail.startsWith('this instance') === true

/** What a server says of who publishes. */
export async function publisherOf(server: Asked): Promise<{ state: string; detail: string } | undefined> {
  const answer = await server.ask('{ health { components { name state detail } } }')
  const components: { name: string; state: string; detail: string }[] = answer?.data?.health.components ?? []
  return components.find(({ name }) => name === 'publisher')
}

/** The table that readers count, by SQL of its own, has what was planted and acknowledged, each once. */
export async function judgeTable({ world, rows }: Scene): Promise<string[]> {
  const { files, prunable, acknowledged } = world.moment()
  const expected = [files, prunable, acknowledged].reduce(plus)
  const found = await rows()
  if (found.tokens === expected.tokens && found.records === expected.records) return []
  return [
    `the table has ${found.tokens} tokens in ${found.records} rows, not ${expected.tokens} in ${expected.records}`,
  ]
}

async function rowsOf({ settings }: MortalClickHouse): Promise<Counted> {
  const query = `
    SELECT sum(input + output + cache_read + cache_creation_5m + cache_creation_1h) AS tokens, count() AS records
    FROM token_bridge.winners FINAL FORMAT JSONEachRow
    SETTINGS output_format_json_quote_64bit_integers = 1`
  const response = await fetch(settings.CLICKHOUSE_URL as string, {
    method: 'POST',
    body: query,
    headers: {
      'X-ClickHouse-User': settings.CLICKHOUSE_USER as string,
      'X-ClickHouse-Key': settings.CLICKHOUSE_PASSWORD as string,
    },
  })
  const text = await response.text()
  if (!response.ok) throw new Error(text)
  const { tokens, records } = JSON.parse(text)
  return { tokens: BigInt(tokens), records: BigInt(records) }
}
