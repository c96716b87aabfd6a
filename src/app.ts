import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { loadJwtSecret } from './access/secret.ts'
import { createAuthenticator, signToken } from './access/tokens.ts'
import { startBridge } from './app-bridge.ts'
import { createRequests } from './app-requests.ts'
import type { Config } from './config.ts'
import type { SourcePreference } from './domain/source.ts'
import { indexPathFor } from './enhanced-analysis/index-path.ts'
import { type JournaledRange, journalKey } from './enhanced-analysis/journal-update.ts'
import { type LegacySource, startLegacySource } from './enhanced-analysis/legacy-source.ts'
import { resolveRoots } from './enhanced-analysis/roots.ts'
import type { AnalysisStatus } from './enhanced-analysis/thread-messages.ts'
import { createSchema } from './graphql/schema.ts'
import { createHttpServer } from './http/server.ts'
import { openJournal } from './journal/journal.ts'
import { loadJournalKey } from './journal/key.ts'
import type { Logger } from './observability/logger.ts'
import { createMetrics } from './observability/metrics.ts'
import type { Flags } from './ports/flags.ts'
import type { IngestEntry, JournalPlace } from './ports/journal.ts'
import { createGenaiPriceList } from './pricing/genai-price-list.ts'
import { createDerived } from './reading/derived.ts'
import { createAnswerCache } from './redis/answer-cache.ts'
import { rememberServer } from './server-file.ts'
import { openFlagsFile } from './unleash/flags-file.ts'
import { connectUnleash } from './unleash/unleash-flags.ts'
import { createIngest } from './writing/ingest.ts'
import { recordsOf } from './writing/journaled-copies.ts'

/** A running bridge. */
export interface App {
  /** `http://127.0.0.1:4000`. */
  url: string
  /** Settles when the first analysis is done, so that questions are answered, and the database was tried. */
  whenReady(): Promise<void>
  /** A viewer's token, for the question that the start prints. */
  viewerToken(ttlSeconds: number): Promise<string>
  /** Where transcripts are looked for. */
  lookedAt: string[]
  /** Whether the sample answers, because none were found. */
  isSample(): boolean
  close(): Promise<void>
}

/** Between two looks for what other instances wrote to the journal. */
const JOURNAL_FOLLOW_MS = 1000
/** How long a call that was journaled waits to be told STORED; calls that follow each other closely do not wait. */
const STORED_WAIT_MS = 75
const STREAM_MS = 1000
/** How long the start waits for the database; it is used as soon as it is there. */
const DATABASE_WAIT_MS = 5000
/** Of the memory for answers: what is kept of what was computed from them. */
const DERIVED_SHARE = 1 / 4
/** The flags that come with the program. */
const DEFAULT_FLAGS = fileURLToPath(new URL('../flags/default.json', import.meta.url))

/** Builds and starts the bridge: the only place where parts are made and wired to each other. */
export async function startApp(config: Config, logger: Logger): Promise<App> {
  const roots = resolveRoots(config.transcripts)
  const secret = loadJwtSecret(config.authJwtSecret, config.dataDir)
  const schema = await createSchema()
  const flags = await openFlags(config, logger)
  const preferences = new Map<string, SourcePreference>()
  let lastIngestAt = Number.NEGATIVE_INFINITY
  const ingest = createIngest({
    journal: { append: (entry) => journal.append(entry) },
    async whenStored({ segment, to }) {
      const now = performance.now()
      const waitMs = now - lastIngestAt < STREAM_MS ? 0 : STORED_WAIT_MS
      lastIngestAt = now
      return (await bridge.current()?.shipper.whenPublished(journalKey(segment), to, waitMs)) ?? false
    },
  })
  let running: LegacySource | undefined
  const encryptionKey = loadJournalKey(config.dataDir)
  const journal = openJournal({
    folder: config.journalDir,
    key: encryptionKey,
    followIntervalMs: JOURNAL_FOLLOW_MS,
    onEntry(entry, place) {
      if (entry.kind === 'preference') return void preferences.set(entry.userId, entry.preference)
      ingest.remember(entry, place)
      running?.addJournaled(rangeOf(entry, place))
      if (running !== undefined) bridge.current()?.shipper.kick()
    },
    onDamage: (damage) => logger.error(damage, 'part of the journal cannot be read: it was put in quarantine'),
  })
  const legacy = startLegacySource({
    roots,
    indexPath: indexPathFor(join(config.dataDir, 'index'), roots),
    scanThreads: config.scanThreads,
    rescanIntervalMs: config.rescanIntervalMs,
    readJournal: (add) => journal.replay((entry, place) => entry.kind === 'ingest' && add(rangeOf(entry, place))),
    onStatus: logChanges(logger),
    onWatchProblem: (problem) => logger.warn({ problem }, 'not watching: changes are noticed by rescans alone'),
    onCrash: (error) => logger.error({ err: error }, 'the analysis stopped and is started again'),
  })
  const bridge = startBridge(config, legacy, logger, encryptionKey.id.toString('hex'))
  running = legacy
  const cacheBytes = config.cacheMaxMb * 2 ** 20
  const cache = createAnswerCache({
    redisUrl: config.redisUrl,
    maxBytes: Math.ceil(cacheBytes * (1 - DERIVED_SHARE)),
    onProblem: (problem) => logger.warn({ problem }, 'Redis is away: answers are kept in memory alone'),
  })
  const metrics = createMetrics(
    () => legacy.status(),
    () => bridge.current()?.control.report(),
  )
  let closing = false
  const http = await createHttpServer({
    schema,
    introspection: config.introspection,
    logger,
    metrics,
    authenticate: createAuthenticator(secret),
    createContext: createRequests({
      legacy,
      bridge,
      cache,
      derived: createDerived(Math.ceil(cacheBytes * DERIVED_SHARE)),
      flags,
      journal,
      ingest,
      priceOf: createGenaiPriceList().priceOf,
      threshold: config.migrationProgressThreshold,
      preferences,
      isAllPublished: legacy.isAllPublished,
      health: () => [
        { name: 'enhanced-analysis', ...legacy.health() },
        { name: 'journal', ...journal.health() },
        { name: 'clickhouse', ...bridge.health() },
        { name: 'redis', ...cache.health() },
        { name: 'unleash', ...flags.health() },
      ],
      onRefreshFailed: (error) => logger.warn({ err: error }, 'a stale answer could not be refreshed'),
      onFallback: (source, error) => logger.warn({ err: error, source }, 'the files answer instead'),
    }),
    readiness() {
      const { state, detail } = legacy.health()
      return closing ? { ready: false, detail: 'shutting down' } : { ready: state !== 'DOWN', detail }
    },
  })
  const closeParts = async (): Promise<void> => {
    // what is accepted first, then what ships it, then what it is read from
    await journal.close()
    await bridge.close()
    await legacy.close()
    await cache.close()
    flags.close()
  }
  const url = await http.listen(config.host, config.port).catch(async (error: Error) => {
    await closeParts()
    throw error
  })
  const forgetServer = rememberServer(config.dataDir, url)
  return {
    url,
    async whenReady() {
      await legacy.whenReady()
      // a database that does not answer holds nobody up
      await Promise.race([bridge.whenTried(), sleep(DATABASE_WAIT_MS, undefined, { ref: false })])
    },
    viewerToken: (ttlSeconds) => signToken(secret, { userId: config.transcripts.user, roles: ['viewer'] }, ttlSeconds),
    lookedAt: roots.map((root) => root.path),
    isSample: () => legacy.status()?.sample === true,
    async close() {
      closing = true
      forgetServer()
      await http.close(config.shutdownDeadlineMs)
      await closeParts()
    },
  }
}

function rangeOf(entry: IngestEntry, { segment, from, to }: JournalPlace): JournaledRange {
  return { segment, to, records: recordsOf(entry, segment, from) }
}

function openFlags({ unleash, flagsFile, dataDir }: Config, logger: Logger): Promise<Flags> {
  const onProblem = (problem: string): void => logger.warn({ problem }, 'the last known flags count')
  const { url } = unleash
  if (url === undefined) return openFlagsFile(flagsFile ?? DEFAULT_FLAGS, onProblem)
  return connectUnleash({
    ...unleash,
    url,
    folder: join(dataDir, 'unleash'),
    bootstrapFile: flagsFile,
    onProblem,
    onChange: () => logger.info('the flags have changed'),
  })
}

/** Logs what an operator wants to know of the analysis, once. */
function logChanges(logger: Logger): (status: AnalysisStatus) => void {
  let wasReady = false
  let unreadable = 0
  let indexState = ''
  return (status) => {
    if (status.ready && !wasReady) {
      const { transcripts, records, refreshMs } = status
      logger.info({ transcripts, records, ms: refreshMs, index: status.indexState }, 'the first analysis is done')
    }
    if (status.indexState === 'broken' && indexState !== 'broken')
      logger.warn('the index cannot be written: the next start counts everything anew')
    indexState = status.indexState
    wasReady = status.ready
    if (status.unreadable.length !== unreadable)
      logger.warn(
        { unreadable: status.unreadable.slice(0, 10), count: status.unreadable.length },
        'unreadable folders or files',
      )
    unreadable = status.unreadable.length
  }
}
