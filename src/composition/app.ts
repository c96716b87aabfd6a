import { setTimeout as sleep } from 'node:timers/promises'
import { loadJwtSecrets } from '../access/secret.ts'
import type { Config } from '../config.ts'
import type { LegacySource } from '../enhanced-analysis/service/legacy-source.ts'
import { requireFolders } from '../folders.ts'
import { createSchema } from '../graphql/schema.ts'
import { type Certificate, readCertificate } from '../http/certificate.ts'
import { createHttpServer, type HttpServer } from '../http/server.ts'
import { SIGN_IN_PATH } from '../http/sign-in.ts'
import { type JournalKey, keyIds } from '../journal/key.ts'
import { loadJournalKey } from '../journal/key-file.ts'
import { noteLostHeads } from '../lost-revocations-file.ts'
import type { Logger } from '../observability/logger.ts'
import { createMetrics } from '../observability/metrics.ts'
import type { Flags } from '../ports/flags.ts'
import { takeServerPlace } from '../server-file.ts'
import type { OtherJournals } from '../shipping/other-journals.ts'
import { type Root, resolveRoots } from '../transcripts/roots.ts'
import { type AccessSide, openAccessSide } from './access-side.ts'
import { type ArchivedSide, createArchivedSide, localLedgerOf } from './archived.ts'
import { type AuditSide, openAuditSide } from './audit-side.ts'
import { openBudgets } from './budgets.ts'
import { refuseExposure } from './exposure.ts'
import { startFiles } from './files.ts'
import { openFlags } from './flags.ts'
import { type GuardSide, openGuardSide } from './guard.ts'
import { componentsOf } from './health.ts'
import { createIsolationSide, type IsolationSide, isolatedDatabase } from './isolation.ts'
import { type KeptDatabaseSide, keepDatabaseSide } from './kept-database-side.ts'
import { readKnownOperations } from './known-operations.ts'
import { createLosses } from './losses.ts'
import { openOtherJournals } from './other-journals.ts'
import { createReadingSide, type ReadingSide } from './reading-side.ts'
import { createRequests } from './requests.ts'
import { openStateSide } from './shared-state.ts'
import { openWayIn, type WayIn } from './way-in.ts'
import { createWritingSide, type WritingSide } from './writing-side.ts'

/** A running bridge. */
export interface App {
  /** `http://127.0.0.1:4000`. */
  url: string
  /** Settles when the first analysis is done, so that questions are answered, and the database was tried. */
  whenReady(): Promise<void>
  /** An address that lets a browser in, once; `undefined` in production, and where tokens are signed elsewhere alone. */
  signInUrl: string | undefined
  /** A viewer's token, for the question that the start prints; `undefined` where tokens are signed elsewhere alone. */
  viewerToken(ttlSeconds: number): Promise<string> | undefined
  /** Where transcripts are looked for. */
  lookedAt: string[]
  /** Whether the sample answers, because none were found. */
  isSample(): boolean
  /** Reads the certificate again, for connections that are made from here on. Throws where it cannot be used. */
  renewCertificate(): void
  close(): Promise<void>
}

/** How long the start waits for the database; it is used as soon as it is there. */
const DATABASE_WAIT_MS = 5000

/** Builds and starts the bridge. Throws where its folder is another server's, or what it needs cannot be opened. */
export async function startApp(config: Config, logger: Logger): Promise<App> {
  requireFolders(config)
  refuseExposure(config)
  for (const warning of config.warnings) logger.warn({ warning }, 'a setting should be seen to')
  const certificate = config.tls === undefined ? undefined : readCertificate(config.tls)
  const place = takeServerPlace(config.dataDir)
  let audit: AuditSide | undefined
  try {
    noteLostHeads(config.dataDir)
    const key = loadJournalKey(config.dataDir, config.journalDir, config.journalKey)
    const roots = resolveRoots(config.transcripts)
    const secrets = loadJwtSecrets(config.auth, config.dataDir)
    audit = openAuditSide(config, logger)
    const flags = await openFlags(config, logger, audit.log)
    const listening = Promise.withResolvers<string>()
    const whenListening = () => listening.promise
    const sides = openSides({ config, key, roots, secrets, logger, flags, audit, whenListening })
    const server = await listen(sides, config, certificate, logger).catch(async (error: Error) => {
      await closeSides(sides)
      throw error
    })
    listening.resolve(server.url)
    let forgetServer = place.remember(server.url, certificate?.leaf)
    return {
      url: server.url,
      whenReady: () => whenReady(sides),
      signInUrl: signInUrlOf(server.url, sides.access),
      viewerToken: (ttl) => sides.access.sign({ userId: config.transcripts.user, roles: ['viewer'] }, ttl),
      lookedAt: roots.map((root) => root.path),
      isSample: () => sides.legacy.status()?.sample === true,
      renewCertificate() {
        if (config.tls === undefined) return
        const renewed = readCertificate(config.tls)
        server.renew(renewed)
        forgetServer = place.remember(server.url, renewed.leaf)
      },
      async close() {
        forgetServer()
        await server.close()
        await closeSides(sides)
        place.leave()
      },
    }
  } catch (error) {
    await audit?.close()
    place.leave()
    throw error
  }
}

const signInUrlOf = (url: string, { signIn }: AccessSide): string | undefined =>
  signIn === undefined ? undefined : `${url}${SIGN_IN_PATH}?token=${signIn.token}`

interface SidesOptions {
  config: Config
  key: JournalKey
  roots: Root[]
  secrets: Uint8Array[]
  flags: Flags
  audit: AuditSide
  /** Settles with where it can be asked. */
  whenListening: () => Promise<string>
  logger: Logger
}

interface Sides {
  access: AccessSide
  isolation: IsolationSide
  guard: GuardSide
  audit: AuditSide
  flags: Flags
  wayIn: WayIn
  otherJournals: OtherJournals
  legacy: LegacySource
  database: KeptDatabaseSide
  archived: ArchivedSide
  writing: WritingSide
  reading: ReadingSide
}

/** Each of them is made from those before it; what happens later is told by events. In one turn: see `WayIn.events`. */
function openSides({ config, key, roots, secrets, flags, audit, whenListening, logger }: SidesOptions): Sides {
  const wayIn = openWayIn({ config, key, logger })
  const state = openStateSide(config, wayIn, logger)
  const otherJournals = openOtherJournals(config, wayIn, logger)
  const access = openAccessSide({ config, secrets, wayIn, state, hasOtherJournals: otherJournals.known, logger })
  const guard = openGuardSide(config, wayIn, state, logger)
  const legacy = startFiles({ config, roots, wayIn, logger })
  const isolation = createIsolationSide(config, logger)
  const journalKeys = keyIds(key)
  const localLedger = localLedgerOf(config)
  const database = isolatedDatabase(isolation, () =>
    keepDatabaseSide({ config, legacy, state, audit, otherJournals, journalKeys, localLedger, whenListening, logger }),
  )
  const archived = createArchivedSide({ local: localLedger, legacy, database })
  wayIn.events.on('journaled', () => database.current()?.publishing()?.shipper.kick())
  const writing = createWritingSide({ wayIn, state, legacy, database, otherJournals })
  const reading = createReadingSide({ config, legacy, isolation, secrets: sharedSecrets(secrets, key), logger })
  return { access, isolation, guard, audit, flags, wayIn, otherJournals, legacy, database, archived, writing, reading }
}

/** Instances have those of tokens in common; where others sign, the keys of the journal. */
const sharedSecrets = (secrets: readonly Uint8Array[], key: JournalKey): readonly Uint8Array[] =>
  secrets.length > 0 ? secrets : [key, ...(key.others ?? [])].map(({ bytes }) => bytes)

/** In the order in which records flow: the journal accepts no more, then nothing is shipped, then nothing is read. */
async function closeSides({
  access,
  audit,
  flags,
  wayIn,
  otherJournals,
  legacy,
  database,
  reading,
}: Sides): Promise<void> {
  await wayIn.journal.close()
  otherJournals.end()
  await database.close()
  await legacy.close()
  await reading.close()
  flags.close()
  access.close()
  await audit.close()
}

async function whenReady({ legacy, database }: Sides): Promise<void> {
  await legacy.whenReady()
  // the start does not wait for a database that does not answer
  await Promise.race([database.whenTried(), sleep(DATABASE_WAIT_MS, undefined, { ref: false })])
}

interface Listening extends Pick<HttpServer, 'renew'> {
  url: string
  close(): Promise<void>
}

async function listen(
  sides: Sides,
  config: Config,
  certificate: Certificate | undefined,
  logger: Logger,
): Promise<Listening> {
  const { wayIn, otherJournals, legacy, database } = sides
  const { journal } = wayIn
  let closing = false
  const metrics = createMetrics(legacy.status, () => database.current()?.runs().report(), sides.audit.figures)
  const budgets = openBudgets(config, metrics.rateLimited)
  const http: HttpServer = await createHttpServer({
    schema: await createSchema(),
    introspection: config.introspection,
    logger,
    metrics,
    budgets,
    answered: { known: readKnownOperations(config.knownOperations), onlyKnown: config.onlyKnownOperations },
    authenticate: sides.access.authenticate,
    known: sides.access.known,
    // the name that it listens under is one that it is asked under
    allowedHosts: [...config.allowedHosts, config.host.toLowerCase()],
    corsOrigins: config.corsOrigins,
    loopbackOrigins: config.loopbackOrigins,
    signIn: sides.access.signIn,
    tls: certificate,
    trustedProxies: config.trustedProxies,
    whenCurrent: journal.whenCurrent,
    maxSockets: config.maxSockets,
    audit: sides.audit.log,
    isIsolated: sides.isolation.isIsolated,
    keptResponseBytes: sides.reading.responseBytes,
    createContext: createRequests({
      ...sides,
      budgets,
      threshold: config.migrationProgressThreshold,
      losses: createLosses(journal, database, otherJournals),
      health: () => componentsOf({ ...sides, journal }),
    }),
    readiness() {
      const { state, detail } = legacy.health()
      if (sides.isolation.isIsolated()) return { ready: false, detail: 'isolated' }
      return closing ? { ready: false, detail: 'shutting down' } : { ready: state !== 'DOWN', detail }
    },
  })
  sides.isolation.events.on('isolated', () => http.sendAway('the bridge is isolated'))
  return {
    url: await http.listen(config.host, config.port),
    renew: http.renew,
    async close() {
      closing = true
      await http.close(config.shutdownDeadlineMs)
      budgets.close()
    },
  }
}
