import { join } from 'node:path'
import { loadJwtSecret } from './access/secret.ts'
import { createAuthenticator, signToken } from './access/tokens.ts'
import type { Config } from './config.ts'
import { indexPathFor } from './enhanced-analysis/index-path.ts'
import type { JournaledRange } from './enhanced-analysis/journal-update.ts'
import { type LegacySource, startLegacySource } from './enhanced-analysis/legacy-source.ts'
import { resolveRoots } from './enhanced-analysis/roots.ts'
import type { AnalysisStatus } from './enhanced-analysis/thread-messages.ts'
import { createSchema } from './graphql/schema.ts'
import { createHttpServer } from './http/server.ts'
import { openJournal } from './journal/journal.ts'
import { loadJournalKey } from './journal/key.ts'
import type { Logger } from './observability/logger.ts'
import { createMetrics } from './observability/metrics.ts'
import type { IngestEntry, JournalPlace } from './ports/journal.ts'
import { createGenaiPriceList } from './pricing/genai-price-list.ts'
import { createAnswers } from './reading/answers.ts'
import { createCachedSource } from './reading/cached-source.ts'
import { decideSource } from './reading/decision.ts'
import { createAnswerCache } from './redis/answer-cache.ts'
import { rememberServer } from './server-file.ts'
import { createIngest } from './writing/ingest.ts'
import { recordsOf } from './writing/journaled-copies.ts'

/** Between two looks for what other instances wrote to the journal. */
const JOURNAL_FOLLOW_MS = 1000

/** A running bridge. */
export interface App {
  /** `http://127.0.0.1:4000`. */
  url: string
  /** Settles when the first analysis is done and questions are answered. */
  whenReady(): Promise<void>
  /** A viewer's token, for the question that the start prints. */
  viewerToken(ttlSeconds: number): Promise<string>
  /** Where transcripts are looked for. */
  lookedAt: string[]
  /** Whether the sample answers, because none were found. */
  isSample(): boolean
  close(): Promise<void>
}

/** Builds and starts the bridge: the only place where parts are made and wired to each other. */
export async function startApp(config: Config, logger: Logger): Promise<App> {
  const roots = resolveRoots(config.transcripts)
  const secret = loadJwtSecret(config.authJwtSecret, config.dataDir)
  const schema = await createSchema()
  const priceList = createGenaiPriceList()
  const toRange = (entry: IngestEntry, { segment, from, to }: JournalPlace): JournaledRange => ({
    segment,
    to,
    records: recordsOf(entry, segment, from),
  })
  const ingest = createIngest({
    journal: { append: (entry) => journal.append(entry) },
    whenStored: async () => false,
  })
  let running: LegacySource | undefined
  const journal = openJournal({
    folder: config.journalDir,
    key: loadJournalKey(config.dataDir),
    followIntervalMs: JOURNAL_FOLLOW_MS,
    onEntry(entry, place) {
      if (entry.kind !== 'ingest') return
      ingest.remember(entry, place)
      running?.addJournaled(toRange(entry, place))
    },
    onDamage: (damage) => logger.error(damage, 'part of the journal cannot be read: it was put in quarantine'),
  })
  const legacy = startLegacySource({
    readJournal: (add) => journal.replay((entry, place) => entry.kind === 'ingest' && add(toRange(entry, place))),
    roots,
    indexPath: indexPathFor(join(config.dataDir, 'index'), roots),
    scanThreads: config.scanThreads,
    rescanIntervalMs: config.rescanIntervalMs,
    onStatus: logChanges(logger),
    onWatchProblem: (problem) => logger.warn({ problem }, 'not watching: changes are noticed by rescans alone'),
    onCrash: (error) => logger.error({ err: error }, 'the analysis stopped and is started again'),
  })
  running = legacy
  const cache = createAnswerCache({
    redisUrl: config.redisUrl,
    onProblem: (problem) => logger.warn({ problem }, 'Redis is away: answers are kept in memory alone'),
  })
  const cachedSource = createCachedSource({
    source: legacy,
    cache,
    generation: () => 0,
    onRefreshFailed: (error) => logger.warn({ err: error }, 'a stale answer could not be refreshed'),
  })
  const metrics = createMetrics(() => legacy.status())
  let closing = false
  const http = await createHttpServer({
    schema,
    introspection: config.introspection,
    logger,
    metrics,
    authenticate: createAuthenticator(secret),
    createContext(principal, requestId) {
      const decision = decideSource()
      const answers = createAnswers(cachedSource, decision)
      return { requestId, principal, decision, answers, priceOf: priceList.priceOf, source: legacy, cache, ingest }
    },
    readiness() {
      const { state, detail } = legacy.health()
      return closing ? { ready: false, detail: 'shutting down' } : { ready: state !== 'DOWN', detail }
    },
  })
  const url = await http.listen(config.host, config.port).catch(async (error: Error) => {
    await Promise.all([legacy.close(), cache.close(), journal.close()])
    throw error
  })
  const forgetServer = rememberServer(config.dataDir, url)
  return {
    url,
    whenReady: () => legacy.whenReady(),
    viewerToken: (ttlSeconds) => signToken(secret, { userId: config.transcripts.user, roles: ['viewer'] }, ttlSeconds),
    lookedAt: roots.map((root) => root.path),
    isSample: () => legacy.status()?.sample === true,
    async close() {
      closing = true
      forgetServer()
      await http.close(config.shutdownDeadlineMs)
      await journal.close()
      await legacy.close()
      await cache.close()
    },
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
