import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { onTestFinished } from 'vitest'
import type { Role } from '../../src/access/roles.ts'
import { loadJwtSecrets } from '../../src/access/secret.ts'
import { signToken } from '../../src/access/tokens.ts'
import { type App, startApp } from '../../src/composition/app.ts'
import { readConfig } from '../../src/config.ts'
import type { Scope } from '../../src/domain/scope.ts'
import { createLogger } from '../../src/observability/logger.ts'
import type { RootOwner } from '../../src/transcripts/roots.ts'
import { type GraphQLAnswer, post } from './graphql-client.ts'

export interface TestServer {
  app: App
  url: string
  folder: string
  /** All log lines so far. */
  log(): string
  /** Of somebody who sees everything, where `access` says nothing else. */
  token(roles: readonly Role[], user?: string, access?: readonly Scope[]): Promise<string>
  /** Asks as someone with these roles; a viewer by default. */
  ask(
    query: string,
    variables?: Record<string, unknown>,
    roles?: readonly Role[],
    more?: { operationName?: string; user?: string; access?: readonly Scope[] },
  ): Promise<GraphQLAnswer>
  close(): Promise<void>
}

/** The Redis of the tests may be one elsewhere. */
const PRIVATE = process.env.REDIS_URL ? { PRIVATE_HOSTS: new URL(process.env.REDIS_URL).hostname } : {}

/** A bridge over the transcripts in a folder, on a free port, ready to answer; closed at the end of the test. */
export async function startServer(
  folder: string,
  settings: Record<string, string> = {},
  /** Whom unlabelled roots belong to; absent: whoever runs the test. */
  owner: Partial<RootOwner> = {},
): Promise<TestServer> {
  mkdirSync(join(folder, 'projects'), { recursive: true })
  const lines: string[] = []
  const sink = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk))
      done()
    },
  })
  const read = readConfig({
    HOME: folder,
    PORT: '0',
    DATA_DIR: join(folder, 'data'),
    TRANSCRIPTS_DIR: `ann@laptop=${join(folder, 'projects')}`,
    LOG_LEVEL: 'debug',
    // a process has one engine: tests that need it say so
    CLICKHOUSE_EMBEDDED: 'off',
    ...PRIVATE,
    ...settings,
  })
  const config = { ...read, transcripts: { ...read.transcripts, ...owner } }
  const app = await startApp(config, createLogger(config.logLevel, sink))
  let closed: Promise<void> | undefined
  const close = () => (closed ??= app.close())
  onTestFinished(close)
  await app.whenReady()
  const token = (roles: readonly Role[], userId = 'ann', access?: readonly Scope[]) => {
    const [secret] = loadJwtSecrets(config.auth, config.dataDir)
    if (secret === undefined) throw new Error('nobody here signs tokens')
    return signToken(secret, { userId, roles, access }, 60, config.auth)
  }
  return {
    app,
    url: app.url,
    folder,
    log: () => lines.join(''),
    token,
    async ask(query, variables = {}, roles = ['viewer'], { operationName, user, access } = {}) {
      return post(app.url, await token(roles, user, access), { query, variables, operationName })
    },
    close,
  }
}
