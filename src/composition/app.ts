import { EventEmitter } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { loadJwtSecrets } from '../access/secret.ts'
import type { Config } from '../config.ts'
import { requireFolders } from '../folders.ts'
import { readCertificate } from '../http/certificate.ts'
import { SIGN_IN_PATH } from '../http/sign-in.ts'
import { type JournalKey, keyIds } from '../journal/key.ts'
import { loadJournalKey } from '../journal/key-file.ts'
import { noteLostHeads } from '../lost-revocations-file.ts'
import type { Logger } from '../observability/logger.ts'
import type { Tracing } from '../observability/tracing/otlp.ts'
import { openTracing } from '../observability/tracing/tracing.ts'
import type { Flags } from '../ports/flags.ts'
import { createGenaiPriceList } from '../pricing/genai-price-list.ts'
import { takeServerPlace } from '../server-file.ts'
import { type Root, resolveRoots } from '../transcripts/roots.ts'
import { type AccessSide, openAccessSide } from './access-side.ts'
import { createArchivedSide, localLedgerOf } from './archived.ts'
import { type AuditSide, openAuditSide } from './audit-side.ts'
import type { DatabaseEvents } from './database-sources.ts'
import { openExperimentSide } from './experiment.ts'
import { refuseExposure } from './exposure.ts'
import { createFiguresSide } from './figures.ts'
import { startFiles } from './files.ts'
import { openFlags } from './flags.ts'
import { openGuardSide } from './guard.ts'
import { componentsOf } from './health.ts'
import { createIsolationSide, isolatedDatabase } from './isolation.ts'
import { keepDatabaseSide } from './kept-database-side.ts'
import { listen } from './listening.ts'
import { openOtherJournals } from './other-journals.ts'
import { createReadingSide } from './reading-side.ts'
import { openRiskSide } from './risk-side.ts'
import { openShadowSide } from './shadow-side.ts'
import { openStateSide } from './shared-state.ts'
import type { Sides } from './sides.ts'
import { openWayIn } from './way-in.ts'
import { createWritingSide } from './writing-side.ts'

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
    const tracing = await openTracing(config.tracing, logger)
    const listening = Promise.withResolvers<string>()
    const whenListening = () => listening.promise
    const sides = openSides({ config, key, roots, secrets, logger, flags, audit, tracing, whenListening })
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
  tracing: Tracing
  /** Settles with where it can be asked. */
  whenListening: () => Promise<string>
  logger: Logger
}

/** Each of them is made from those before it; what happens later is told by events. In one turn: see `WayIn.events`. */
function openSides(options: SidesOptions): Sides {
  const { config, key, roots, secrets, flags, audit, tracing, whenListening, logger } = options
  const wayIn = openWayIn({ config, key, logger })
  const state = openStateSide(config, wayIn, logger)
  const otherJournals = openOtherJournals(config, wayIn, logger)
  const access = openAccessSide({ config, secrets, wayIn, state, hasOtherJournals: otherJournals.known, logger })
  const guard = openGuardSide(config, wayIn, state, audit.log, logger)
  const experiment = openExperimentSide(flags, wayIn, state, logger)
  const legacy = startFiles({ config, roots, wayIn, logger })
  const isolation = createIsolationSide(config, logger)
  const journalKeys = keyIds(key)
  const prices = createGenaiPriceList()
  const localLedger = localLedgerOf(config)
  const databaseEvents = new EventEmitter<DatabaseEvents>()
  const database = isolatedDatabase(isolation, () =>
    keepDatabaseSide({
      config,
      events: databaseEvents,
      legacy,
      prices,
      state,
      audit,
      otherJournals,
      journalKeys,
      localLedger,
      whenListening,
      tracer: tracing.tracer,
      logger,
    }),
  )
  const archived = createArchivedSide({ local: localLedger, legacy, database })
  wayIn.events.on('journaled', () => database.current()?.publishing()?.shipper.kick())
  const writing = createWritingSide({ config, wayIn, state, legacy, database, otherJournals })
  const shadow = openShadowSide({ config, wayIn, state, guard, experiment, legacy, database, logger })
  databaseEvents.on('asked', shadow.evidence.answered)
  const reading = createReadingSide({
    config,
    legacy,
    isolation,
    prices,
    secrets: sharedSecrets(secrets, key),
    logger,
  })
  const parts = { access, isolation, guard, shadow, audit, flags, otherJournals, legacy, database, archived, reading }
  const health = () => componentsOf({ ...parts, journal: wayIn.journal })
  const risk = openRiskSide({ ...parts, config, wayIn, state, health, logger })
  const figures = createFiguresSide({ wayIn, legacy, database, reading, flags })
  return {
    ...parts,
    tracing,
    experiment,
    wayIn,
    writing: { ...writing, ingest: risk.ingests.watch(writing.ingest) },
    risk,
    health,
    figures,
  }
}

/** Instances have those of tokens in common; where others sign, the keys of the journal. */
const sharedSecrets = (secrets: readonly Uint8Array[], key: JournalKey): readonly Uint8Array[] =>
  secrets.length > 0 ? secrets : [key, ...(key.others ?? [])].map(({ bytes }) => bytes)

/** In the order in which records flow: the journal accepts no more, then nothing is shipped, then nothing is read. */
async function closeSides({
  shadow,
  access,
  audit,
  experiment,
  flags,
  tracing,
  wayIn,
  otherJournals,
  legacy,
  database,
  reading,
  risk,
  figures,
}: Sides): Promise<void> {
  figures.close()
  shadow.close()
  await risk.close()
  await experiment.close()
  await wayIn.journal.close()
  otherJournals.end()
  await database.close()
  await legacy.close()
  await reading.close()
  await tracing.close()
  flags.close()
  access.close()
  await audit.close()
}

async function whenReady({ legacy, database }: Sides): Promise<void> {
  await legacy.whenReady()
  // the start does not wait for a database that does not answer
  await Promise.race([database.whenTried(), sleep(DATABASE_WAIT_MS, undefined, { ref: false })])
}
