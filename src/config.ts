import { hostname, userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { type AccessConfig, accessMistakes, accessOf, type Texts } from './access-settings.ts'
import { isLoopback } from './domain/loopback.ts'
import type { TracingOptions } from './observability/tracing/otlp.ts'
import { homeOf, pathFrom, settingOf } from './places.ts'
import { type RiskConfig, riskOf } from './risk-settings.ts'
import { readSecretFiles, secretFileWarnings } from './secret-files.ts'
import { type LOG_LEVELS, SETTINGS } from './settings.ts'
import { tracingOf } from './tracing-settings.ts'

/**
 * The settings, from the environment. Empty means absent. Beside it, `places.ts` and
 * the status line read `process.env`, which have no time for all of them;
 * docs/settings.md has the table of all settings, compared with `SETTINGS` by a test.
 */
export interface Config extends AccessConfig {
  host: string
  /** 0 takes any free port. */
  port: number
  /** Of a second port, for metrics alone; 0 takes any free one; absent: there is none. */
  metricsPort: number | undefined
  /** Addresses and networks whose `X-Forwarded-For` is believed. */
  trustedProxies: string[]
  /** WebSockets with a token, of all users together. */
  maxSockets: number
  transcripts: {
    transcriptsDir: string | undefined
    claudeConfigDir: string | undefined
    home: string
    user: string
    host: string
  }
  dataDir: string
  journalDir: string
  /** Each of 32 bytes, or the path of the file that holds them; absent: one that is made at the first start, under `dataDir`. */
  journalKey: readonly Buffer[] | { file: string } | undefined
  backupDir: string
  clickhouse: {
    /** Absent: the embedded engine, if that is on. */
    url: string | undefined
    user: string
    password: string
    database: string
    embedded: boolean
  }
  unleash: {
    /** The API's address; absent: the flags file. */
    url: string | undefined
    apiToken: string | undefined
    appName: string
    refreshIntervalMs: number
  }
  /** Absent: the flags that come with the program. */
  flagsFile: string | undefined
  /** Below it, everybody is on legacy. */
  migrationProgressThreshold: number
  guard: { latencyMs: number; tripAfterMs: number; resetAfterMs: number }
  risk: RiskConfig
  /** Absent: no traces are recorded. */
  tracing: TracingOptions | undefined
  /** Absent: answers are kept in memory alone. */
  redisUrl: string | undefined
  /** Memory for answers and what was computed from them, in MiB. */
  cacheMaxMb: number
  scanThreads: number
  /** Milliseconds between two looks at all transcripts, beside the watcher. */
  rescanIntervalMs: number
  /** Milliseconds that requests in flight get at a shutdown. */
  shutdownDeadlineMs: number
  logLevel: (typeof LOG_LEVELS)[number]
  /** No token is printed: in production, and where other machines come in and nobody has said that it is development. */
  isProduction: boolean
  /** Whether clients may ask for the schema: not in production. */
  introspection: boolean
  /** Of commands that ask a server. */
  cliToken: string | undefined
  /** What works, and should be seen to. */
  warnings: string[]
  /** Whether pages of this machine may ask, from any port, as those do that are developed: not in production. */
  loopbackOrigins: boolean
}

const SHAPE = Object.fromEntries(Object.entries(SETTINGS).map(([name, { schema }]) => [name, schema])) as {
  [Name in keyof typeof SETTINGS]: (typeof SETTINGS)[Name]['schema']
}

/** Settings that cannot be used: all mistakes at once, one a line. */
export class ConfigError extends Error {
  readonly code = 'INVALID_SETTINGS'
  constructor(mistakes: readonly string[]) {
    super(`invalid settings: ${mistakes.join('; ')}`)
    this.name = 'ConfigError'
  }
}

/** Reads the settings; throws a `ConfigError` that lists every mistake. */
export function readConfig(environment: Texts = process.env): Config {
  const present = Object.fromEntries(Object.keys(SETTINGS).map((name) => [name, settingOf(name, environment)]))
  const settings = checked(present, environment)
  const home = homeOf(environment)
  const pathOf = (path: string | undefined) => path && pathFrom(path, home)
  const dataDir = pathOf(settings.DATA_DIR) ?? resolve('.token-bridge')
  const journalKeyFile = pathOf(settings.JOURNAL_KEY_FILE)
  const host = settings.HOST ?? SETTINGS.HOST.fallback
  const isReached = !isLoopback(host) || settings.TRUSTED_PROXY.length > 0
  const isProduction = settings.NODE_ENV === 'production' || (isReached && present.NODE_ENV !== 'development')
  return {
    host,
    port: settings.PORT,
    metricsPort: settings.METRICS_PORT,
    trustedProxies: settings.TRUSTED_PROXY,
    maxSockets: settings.MAX_WEBSOCKETS,
    transcripts: {
      transcriptsDir: settings.TRANSCRIPTS_DIR,
      claudeConfigDir: settings.CLAUDE_CONFIG_DIR,
      home,
      user: userName(environment),
      host: hostname(),
    },
    dataDir,
    journalDir: pathOf(settings.JOURNAL_DIR) ?? join(dataDir, 'journal'),
    journalKey: journalKeyFile === undefined ? settings.JOURNAL_KEY : { file: journalKeyFile },
    backupDir: pathOf(settings.BACKUP_DIR) ?? join(dataDir, 'backups'),
    ...accessOf(settings, pathOf),
    clickhouse: {
      url: settings.CLICKHOUSE_URL,
      user: settings.CLICKHOUSE_USER ?? 'default',
      password: settings.CLICKHOUSE_PASSWORD ?? '',
      database: settings.CLICKHOUSE_DATABASE ?? 'token_bridge',
      embedded: settings.CLICKHOUSE_EMBEDDED !== 'off',
    },
    unleash: {
      url: settings.UNLEASH_URL,
      apiToken: settings.UNLEASH_API_TOKEN,
      appName: settings.UNLEASH_APP_NAME ?? 'token-bridge',
      refreshIntervalMs: settings.UNLEASH_REFRESH_INTERVAL_MS,
    },
    flagsFile: pathOf(settings.FLAGS_FILE),
    migrationProgressThreshold: settings.MIGRATION_PROGRESS_THRESHOLD,
    guard: {
      latencyMs: settings.GUARD_LATENCY_MS,
      tripAfterMs: settings.GUARD_TRIP_AFTER_SECONDS * 1000,
      resetAfterMs: settings.GUARD_RESET_AFTER_SECONDS * 1000,
    },
    risk: riskOf(settings, pathOf),
    tracing: tracingOf(settings),
    redisUrl: settings.REDIS_URL,
    cacheMaxMb: settings.CACHE_MAX_MB,
    scanThreads: settings.SCAN_THREADS,
    rescanIntervalMs: settings.RESCAN_INTERVAL_MS,
    shutdownDeadlineMs: settings.SHUTDOWN_DEADLINE_MS,
    logLevel: settings.LOG_LEVEL,
    isProduction,
    introspection: !isProduction,
    loopbackOrigins: !isProduction,
    cliToken: settings.TOKEN_BRIDGE_TOKEN,
    warnings: secretFileWarnings(present),
  }
}

/** The settings as they are read, where none is wrong. */
function checked(present: Texts, environment: Texts) {
  const files = readSecretFiles(present)
  const result = z.object(SHAPE).safeParse(files.settings)
  const mistakes = [
    ...(result.success ? [] : result.error.issues.map((issue) => issue.message)),
    ...files.mistakes,
    ...accessMistakes(present, environment),
  ]
  if (!result.success || mistakes.length > 0) throw new ConfigError(mistakes)
  return result.data
}

/** The operating system's user; a container may run under a number that has no name. */
function userName(environment: Record<string, string | undefined>): string {
  try {
    return userInfo().username
  } catch {
    return environment.USER ?? environment.LOGNAME ?? 'unknown'
  }
}
