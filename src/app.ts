import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { loadJwtSecret } from './access/secret.ts'
import { createAuthenticator, signToken } from './access/tokens.ts'
import { type Bridge, startBridge } from './app-bridge.ts'
import { openWayIn, type WayIn } from './app-journal.ts'
import { createRequests } from './app-requests.ts'
import type { Config } from './config.ts'
import { journalKey } from './domain/log-name.ts'
import type { Losses } from './domain/losses.ts'
import { indexPathFor } from './enhanced-analysis/index-path.ts'
import { startLegacySource } from './enhanced-analysis/legacy-source.ts'
import { resolveRoots } from './enhanced-analysis/roots.ts'
import type { AnalysisStatus } from './enhanced-analysis/thread-messages.ts'
import { requireFolders } from './folders.ts'
import { createSchema } from './graphql/schema.ts'
import { createHttpServer } from './http/server.ts'
import type { JournalKey } from './journal/key.ts'
import { loadJournalKey } from './journal/key-file.ts'
import type { Logger } from './observability/logger.ts'
import { createMetrics } from './observability/metrics.ts'
import type { Flags } from './ports/flags.ts'
import { createGenaiPriceList } from './pricing/genai-price-list.ts'
import { createDerived } from './reading/derived.ts'
import { createAnswerCache } from './redis/answer-cache.ts'
import { type ServerPlace, takeServerPlace } from './server-file.ts'
import { journalLosses } from './shipping/losses.ts'
import { openFlagsFile } from './unleash/flags-file.ts'
import { connectUnleash } from './unleash/unleash-flags.ts'

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

/** How long a call that was journaled waits to be told STORED; calls that follow each other closely do not wait. */
const STORED_WAIT_MS = 75
const STREAM_MS = 1000
/** What is lost is looked at again after so long. */
const LOSSES_MS = 1000
/** How long the start waits for the database; it is used as soon as it is there. */
const DATABASE_WAIT_MS = 5000
/** Of the memory for answers: what is kept of what was computed from them. */
const DERIVED_SHARE = 1 / 4
/** The flags that come with the program. */
const DEFAULT_FLAGS = fileURLToPath(new URL('../flags/default.json', import.meta.url))

/** Builds and starts the bridge: the only place where parts are made and wired to each other. */
export async function startApp(config: Config, logger: Logger): Promise<App> {
  requireFolders(config)
  const place = takeServerPlace(config.dataDir)
  try {
    return await startIn(place, loadJournalKey(config.dataDir, config.journalDir), config, logger)
  } catch (error) {
    place.leave()
    throw error
  }
}

async function startIn(place: ServerPlace, encryptionKey: JournalKey, config: Config, logger: Logger): Promise<App> {
  const roots = resolveRoots(config.transcripts)
  const secret = loadJwtSecret(config.authJwtSecret, config.dataDir)
  const schema = await createSchema()
  const flags = await openFlags(config, logger)
  let lastIngestAt = Number.NEGATIVE_INFINITY
  const wayIn = openWayIn({
    config,
    key: encryptionKey,
    logger,
    async whenStored({ segment, to }) {
      const now = performance.now()
      const waitMs = now - lastIngestAt < STREAM_MS ? 0 : STORED_WAIT_MS
      lastIngestAt = now
      return (await bridge.current()?.shipper.whenPublished(journalKey(segment), to, waitMs)) ?? false
    },
    hasRoom: () => legacy.hasRoom(),
    onJournaled(range) {
      legacy.addJournaled(range)
      bridge.current()?.shipper.kick()
    },
  })
  const { journal, ingest, preferences } = wayIn
  const legacy = startLegacySource({
    roots,
    indexPath: indexPathFor(join(config.dataDir, 'index'), roots),
    scanThreads: config.scanThreads,
    rescanIntervalMs: config.rescanIntervalMs,
    readJournal: wayIn.readJournal,
    maySample: () => journal.extents().every(({ acknowledgedRecords }) => acknowledgedRecords === 0),
    onStatus: logChanges(logger),
    onWatchProblem: (problem) => logger.warn({ problem }, 'not watching: changes are noticed by rescans alone'),
    onCrash: (error) => logger.error({ err: error }, 'the analysis stopped and is started again'),
  })
  const bridge = startBridge(config, legacy, logger, encryptionKey.id.toString('hex'))
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
    trustedProxies: config.trustedProxies,
    maxSockets: config.maxSockets,
    createContext: createRequests({
      legacy,
      bridge,
      cache,
      derived: createDerived(Math.ceil(cacheBytes * DERIVED_SHARE)),
      flags,
      ingest,
      prices: createGenaiPriceList(),
      threshold: config.migrationProgressThreshold,
      preferences,
      isAllPublished: legacy.isAllPublished,
      losses: rememberedFor(LOSSES_MS, bridge.current, () => lossesOf(wayIn, bridge.current())),
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
  const forgetServer = place.remember(url)
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
      place.leave()
    },
  }
}

function openFlags({ unleash, flagsFile, dataDir }: Config, logger: Logger): Promise<Flags> {
  const listener = {
    onProblem: (problem: string) => logger.warn({ problem }, 'the flags have a problem'),
    onSolved: (problem: string) => logger.info({ problem }, 'the flags no longer have this problem'),
  }
  const { url } = unleash
  if (url === undefined) return openFlagsFile(flagsFile ?? DEFAULT_FLAGS, listener)
  return connectUnleash({
    ...unleash,
    ...listener,
    url,
    folder: join(dataDir, 'unleash'),
    bootstrapFile: flagsFile,
    defaultFile: DEFAULT_FLAGS,
    onChange: () => logger.info('the flags have changed'),
  })
}

function lossesOf({ journal }: WayIn, bridge: Bridge | undefined): Losses {
  const losses = journalLosses(journal.extents(), bridge?.journalEditions() ?? [])
  return { ...losses, everywhere: losses.everywhere + (bridge?.stock().lostRecords ?? 0) }
}

/** What `compute` gave, for so long and while `of` gives the same. */
function rememberedFor<T>(ms: number, of: () => unknown, compute: () => T): () => T {
  let known: { of: unknown; at: number; value: T } | undefined
  return () => {
    const now = performance.now()
    if (known === undefined || known.of !== of() || now - known.at > ms) known = { of: of(), at: now, value: compute() }
    return known.value
  }
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
      logger.warn({ problem: status.indexProblem }, 'counting without the index')
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
