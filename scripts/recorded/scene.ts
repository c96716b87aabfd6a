// Users who ask a server that has a ClickHouse server of its own, and whoever is to be woken by its alerts.
import { join } from 'node:path'
import { generateCorpus } from '../../corpus/generate.ts'
import { loadMadeSecret } from '../../src/access/secret.ts'
import { parseTtl, signToken } from '../../src/access/tokens.ts'
import { ask } from '../../test/support/graphql-client.ts'
import type { RunningUnleash } from '../../test/support/unleash.ts'
import { startClickHouse } from '../clickhouse-server.ts'
import { differences, type Expected, nothing, plant } from './planted.ts'
import { metricsOf, type Recording, type Server, TOKEN_TTL } from './recording.ts'
import { until } from './waiting.ts'
import { openWebhook, type Webhook } from './webhook.ts'

const DATABASE_USER = { name: 'bridge', password: 'secret of the bridge' }
const DATABASE = 'recorded'
export const USERS = Array.from({ length: 40 }, (_, i) => `user-${i}`)

export interface Scene extends Recording {
  unleash: RunningUnleash
  expected: Expected
  /** The one that runs now. */
  server: Server
  webhook: Webhook
  startAgain(): Promise<void>
  /** Asks as a user: something that no cache has, of everything. */
  askAs(user: string): Promise<Asked>
  /** Puts a statement to the database, past the bridge. */
  execute(statement: string): Promise<void>
  close(): Promise<void>
}

export interface Asked {
  user: string
  /** Such as `CLICKHOUSE (EXPERIMENT)`. */
  by: string
  isWrong: boolean
}

export async function openScene(recording: Recording, unleash: RunningUnleash): Promise<Scene> {
  const { folder, start } = recording
  const expected = nothing()
  plant(expected, generateCorpus({ files: 6, megabytes: 12, seed: 21, out: join(folder, 'own') }))
  const clickhouse = await startClickHouse({ folder: join(folder, 'clickhouse'), port: 0, users: [DATABASE_USER] })
  const webhook = await openWebhook()
  const settings = {
    TRANSCRIPTS_DIR: `ann@laptop=${join(folder, 'own', 'projects')}`,
    CLICKHOUSE_URL: clickhouse.url,
    CLICKHOUSE_USER: DATABASE_USER.name,
    CLICKHOUSE_PASSWORD: DATABASE_USER.password,
    CLICKHOUSE_DATABASE: DATABASE,
    ALERT_WEBHOOK_URL: webhook.url,
  }
  const closeOthers = async (): Promise<void> => {
    webhook.close()
    await clickhouse.stop()
  }
  const server = await start(unleash, settings).catch(async (error: Error) => {
    await closeOthers()
    throw error
  })
  const scene: Scene = {
    ...recording,
    unleash,
    expected,
    server,
    webhook,
    async startAgain() {
      scene.server = await start(unleash, settings)
    },
    askAs: createAsking(folder, expected, () => scene.server),
    async execute(statement) {
      const response = await fetch(`${clickhouse.url}/?database=${DATABASE}`, {
        method: 'POST',
        headers: { 'x-clickhouse-user': DATABASE_USER.name, 'x-clickhouse-key': DATABASE_USER.password },
        body: statement,
      })
      if (!response.ok) throw new Error(await response.text())
    },
    async close() {
      await scene.server.end('SIGTERM')
      await closeOthers()
    },
  }
  return scene
}

function createAsking(folder: string, expected: Expected, server: () => Server): Scene['askAs'] {
  const secret = loadMadeSecret(join(folder, 'data'))
  const tokens = new Map<string, string>()
  let questions = 0
  return async (user) => {
    const token = tokens.get(user) ?? (await signToken(secret, { userId: user, roles: ['viewer'] }, TOKEN_SECONDS))
    tokens.set(user, token)
    const to = new Date(Date.UTC(2100, 0) + questions++).toISOString()
    const metrics = await metricsOf({ url: server().url, token }, { to })
    const { source, reason } = metrics.provenance
    return { user, by: `${source} (${reason})`, isWrong: differences(metrics, expected).length > 0 }
  }
}

const TOKEN_SECONDS = parseTtl(TOKEN_TTL) as number

export async function askAll({ askAs }: Scene): Promise<Asked[]> {
  const all: Asked[] = []
  for (const user of USERS) all.push(await askAs(user))
  return all
}

export const wrongOf = (all: readonly Asked[]): number => all.filter(({ isWrong }) => isWrong).length

/** Asks until a user is answered in one way, and then all of them, and checks that the figures are those that were planted. */
export async function askAllUntil(scene: Scene, by: string, what: string): Promise<void> {
  await until(
    what,
    () => scene.askAs(USERS[0] as string),
    (one) => one.by === by,
  )
  const all = await askAll(scene)
  const others = all.filter((one) => one.by !== by || one.isWrong)
  scene.check(
    `${what}: ${USERS.length - others.length} of ${USERS.length} users are answered by ${by}`,
    others.length === 0,
    JSON.stringify(others.slice(0, 5)),
  )
}

export const operate = ({ server }: Scene, question: string) => ask(server.url, server.token, question)

export interface GuardState {
  tripped: boolean
  at: string | null
  reason: string | null
  consistency: number | null
  comparisons: string
}

export const guardOf = async (scene: Scene): Promise<GuardState> =>
  (await operate(scene, '{ guard { tripped at reason consistency comparisons } }')).guard
