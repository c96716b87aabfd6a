import type { EventEmitter } from 'node:events'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Unleash } from 'unleash-client'
import type { Flags, FlagsHealth } from '../ports/flags.ts'
import { readUserFlags } from './user-flags.ts'

export interface UnleashOptions {
  /** `http://host:4242/api`. */
  url: string
  apiToken: string | undefined
  appName: string
  /** Folder where the last known flags are kept. */
  folder: string
  /** Flags until Unleash was reached for the first time, where none are known. */
  bootstrapFile: string | undefined
  refreshIntervalMs: number
  onProblem: (problem: string) => void
  onChange: () => void
}

/** How long the start waits for the first flags: after that, the last known ones count. */
const FIRST_FLAGS_MS = 2000

/** Flags from an Unleash server: polled; unreachable: the last known, then the bootstrap file, then everything off. */
export async function connectUnleash(options: UnleashOptions): Promise<Flags> {
  const { url, apiToken, bootstrapFile, onProblem } = options
  mkdirSync(options.folder, { recursive: true, mode: 0o700 })
  let health: FlagsHealth = { state: 'DEGRADED', detail: `${url} was not reached yet: the last known flags` }
  const unleash = new Unleash({
    url,
    appName: options.appName,
    refreshInterval: options.refreshIntervalMs,
    backupPath: join(options.folder),
    customHeaders: apiToken === undefined ? {} : { Authorization: apiToken },
    ...(bootstrapFile !== undefined && existsSync(bootstrapFile)
      ? { bootstrap: { data: JSON.parse(readFileSync(bootstrapFile, 'utf8')).features }, bootstrapOverride: false }
      : {}),
    skipInstanceCountWarning: true,
  })
  const reached = (): void => {
    health = { state: 'UP', detail: url }
  }
  unleash.on('unchanged', reached)
  unleash.on('changed', () => {
    reached()
    options.onChange()
  })
  const failed = (error: unknown): void => {
    const problem = error instanceof Error ? error.message : String(error)
    if (health.state === 'UP') onProblem(problem)
    health = { state: 'DEGRADED', detail: `the last known flags, because ${url} cannot be reached: ${problem}` }
  }
  unleash.on('error', failed)
  unleash.on('warn', failed)
  await firstFlags(unleash)
  return {
    of: (userId) => readUserFlags(unleash, userId),
    health: () => health,
    close() {
      unleash.destroy()
      // its listeners are gone now: a poll that is on its way and fails would end the process
      const repository = Reflect.get(unleash, 'repository') as EventEmitter
      repository.on('error', () => undefined)
    },
  }
}

async function firstFlags(unleash: Unleash): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, FIRST_FLAGS_MS)
  unleash.once('synchronized', resolve)
  await promise
  clearTimeout(timer)
}
