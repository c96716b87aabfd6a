import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Backups } from '../backup/backup.ts'
import { createAuditTable } from '../clickhouse/audit-table.ts'
import { type Database, type DatabaseTroubles, openDatabase } from '../clickhouse/database.ts'
import { createJournalTable } from '../clickhouse/journal-table.ts'
import { createLedgerTable } from '../clickhouse/ledger-table.ts'
import { readDatabaseId } from '../clickhouse/record-store.ts'
import { applySchemaChanges } from '../clickhouse/schema-changes.ts'
import { createStateTable } from '../clickhouse/state-table.ts'
import { readServerLoad, type ServerLoad } from '../clickhouse/statements/server-load.ts'
import type { Config } from '../config.ts'
import { BridgeError } from '../domain/errors.ts'
import type { RunControl } from '../migration/run-control.ts'
import { createWatchedRuns } from '../migration/watched-runs.ts'
import { type HealthWatch, watchHealth } from '../policies/health-watch.ts'
import { POLICIES } from '../policies/policies.ts'
import type { PriceList } from '../ports/price-list.ts'
import type { SourceHealth } from '../ports/token-source.ts'
import { createFollowing, type Following } from '../shipping/following.ts'
import type { LocalLedger } from '../shipping/local-ledger.ts'
import type { OtherJournals } from '../shipping/other-journals.ts'
import type { DatabaseLosses } from '../shipping/shared-entries.ts'
import { type Closing, openWhole } from './closing.ts'
import {
  createDatabaseSources,
  type DatabaseSources,
  type DatabaseSourcesParts,
  type PublishedView,
} from './database-sources.ts'
import { type KeptPublishing, type KeptPublishingOptions, keepPublishing } from './kept-publishing.ts'
import { lossesHealth, publishingHealth } from './publishing-health.ts'
import type { PublishingSide } from './publishing-side.ts'
import type { StateSide } from './shared-state.ts'
import { type TableParts, watchParts } from './table-parts.ts'

/** Everything that needs the database: what answers from it, and what publishes to it where this instance may. */
export interface DatabaseSide extends DatabaseSources {
  /** `undefined` while another instance has the right to publish. */
  publishing(): PublishingSide | undefined
  /** What is published, as far as this instance knows. */
  ledger: PublishedView['ledger']
  /** What it has lost: whoever publishes takes the stock. */
  losses(): DatabaseLosses
  /** The runs; where another instance publishes, they can be looked at alone. */
  runs(): RunControl
  backups(): Backups
  /** What is known of the database is of the last second, and not being switched: else nobody knows how far it is. */
  isFresh(): boolean
  /** It can be asked, as far as is known. */
  isReachable(): boolean
  /** Half of the statements that it carries out at once for users are being carried out. */
  isBusy(): boolean
  /**
   * It is another database than the ledger of the data folder was written for, and nobody has published to it: what was
   * published is not in it.
   */
  isLost(): boolean
  /** Of each table, the most parts that a partition has, as it was looked at last. */
  parts(): readonly TableParts[]
  health(): SourceHealth
  /** Of a server, how long it took to say that it is there; `undefined`: nobody knows, it does not, or it is embedded. */
  latencyMs(): number | undefined
  troubles(): DatabaseTroubles
  /** How much its machine has to do; `undefined` where it is embedded. */
  load(): Promise<ServerLoad | undefined>
  /** Who publishes. */
  publisher(): SourceHealth
  /** Settles when publishing was tried for the first time. */
  whenTried(): Promise<void>
  close(): Promise<void>
}

export interface DatabaseSideOptions
  extends Omit<KeptPublishingOptions, 'db' | 'following' | 'onBack'>,
    Pick<DatabaseSourcesParts, 'events'> {
  prices: PriceList
  otherJournals: OtherJournals
  state: Pick<StateSide, 'join'>
  /** As it was when the server started. */
  localLedger: LocalLedger | undefined
  /** Settles when the logs were looked at: before, nobody could say what of them is published. Rejects at the end. */
  whenCounted: () => Promise<void>
}

/** Between two looks for what another instance published. */
const FOLLOW_MS = 250
/** The end waits so long at most for a last look. */
const END_MS = 1000

/** Opens the database and reads what is published; publishes as soon as nobody else does. */
export function openDatabaseSide(options: DatabaseSideOptions): Promise<DatabaseSide> {
  const { config, legacy, prices, otherJournals, localLedger, events, logger } = options
  return openWhole(async (closing) => {
    const db = await openAndUpdate(config)
    closing.add(() => db.close())
    closing.add(await otherJournals.join(createJournalTable(db)))
    closing.add(options.state.join(createStateTable(db)))
    closing.add(options.audit.join(createAuditTable(db)))
    await options.whenCounted()
    const following = createFollowing({ table: createLedgerTable(db), logs: legacy.logs })
    await following.refresh()
    const isOther = localLedger !== undefined && localLedger.store !== (await readDatabaseId(db))
    const isLost = (): boolean => isOther && !following.ledger.states().some(({ publishedTo }) => publishedTo > 0)
    // as far as that can be had soon: whether all is published is told where this instance ends
    closing.add(() => Promise.race([following.refresh().catch(() => undefined), sleep(END_MS)]))
    // the embedded engine is no dependency: it is in this process
    const asked = config.clickhouse.url === undefined ? undefined : watchHealth(db.ask)
    if (asked !== undefined) closing.add(asked.close)
    const publishing = keepPublishing({ ...options, db, following, onBack: () => asked?.heard() })
    closing.add(publishing.close)
    const watched = createWatchedRuns({
      ledger: following.ledger,
      logs: legacy.logs,
      refusal: () => refusal(publishing),
    })
    closing.add(watched.close)
    const onLooked = (isChanged: boolean): void => {
      asked?.heard()
      if (isChanged) watched.changed()
    }
    follow({ following, publishing, onLooked, onProblem: (err) => logger.debug({ err }, 'no look') }, closing)
    const { current } = publishing
    const view: PublishedView = {
      ledger: () => current()?.ledger ?? following.ledger,
      read: (run) => (current() ?? following).read(run),
      readBriefly: (run) => current()?.readBriefly(run) ?? following.read(run),
    }
    otherJournals.follow({ ledger: view.ledger, whenCurrent: () => view.read(async () => undefined) })
    const isFresh = (): boolean => !isLost() && !(current()?.isSwitching() ?? !following.isFresh())
    const health = (): SourceHealth => healthOf({ db, publishing, following, asked }, options)
    const ofLogs = { logs: legacy.logs, files: legacy }
    // the embedded engine carries out one after the other
    const statementsAtOnce = config.clickhouse.url === undefined ? 1 : POLICIES.clickhouse.question.atOnce
    const parts = watchParts(db)
    closing.add(parts.close)
    return {
      ...createDatabaseSources({ ...ofLogs, db, view, prices, statementsAtOnce, events, health }),
      publishing: current,
      ledger: view.ledger,
      losses: () => current()?.stock.latest() ?? following.losses(),
      runs: () => current()?.control ?? watched,
      backups: () => current()?.backups ?? refusing(publishing),
      isFresh,
      isBusy: () => db.questionsRunning() >= Math.ceil(statementsAtOnce / 2),
      isReachable: () => isFresh() && !db.isLeftAlone() && asked?.problem() === undefined,
      isLost,
      parts: parts.latest,
      health,
      latencyMs: () => (asked?.problem() === undefined ? asked?.latencyMs() : undefined),
      troubles: db.troubles,
      load: async () => (asked === undefined ? undefined : readServerLoad(db)),
      publisher: () => publisherOf(publishing),
      whenTried: publishing.whenTried,
      close: closing.close,
    }
  })
}

/** Opens the database, and applies what is new of the schema. Throws where its user may not. */
export async function openAndUpdate({ clickhouse, dataDir }: Config): Promise<Database> {
  const { url, user, password, database } = clickhouse
  const db = await openDatabase({ url, user, password, database, folder: join(dataDir, 'clickhouse') })
  try {
    await applySchemaChanges(db)
    return db
  } catch (error) {
    await db.close()
    throw error
  }
}

interface FollowParts {
  following: Following
  publishing: KeptPublishing
  onLooked: (isChanged: boolean) => void
  onProblem: (error: Error) => void
}

/** Looks again and again, but while this instance publishes: then it knows. */
function follow({ following, publishing, onLooked, onProblem }: FollowParts, closing: Closing): void {
  const timer = setInterval(() => {
    if (publishing.current() !== undefined) return
    following.refresh().then(onLooked, onProblem)
  }, FOLLOW_MS)
  closing.add(() => clearInterval(timer))
}

/** Why nothing can be done here that changes what readers see. */
function refusal(publishing: KeptPublishing): BridgeError {
  const holder = publishing.holder()
  if (holder !== undefined)
    return new BridgeError('CONFLICT', `${holder} publishes to this database: ask that instance`)
  const why = publishing.problem() ?? 'it is being opened'
  return new BridgeError(
    'SOURCE_UNAVAILABLE',
    `the database cannot be used now: ${why}; try again, or see token-bridge health`,
  )
}

const refusing = (publishing: KeptPublishing): Backups => ({
  backup: () => Promise.reject(refusal(publishing)),
  restore: () => Promise.reject(refusal(publishing)),
})

function publisherOf(publishing: KeptPublishing): SourceHealth {
  if (publishing.current() !== undefined) return { state: 'UP', detail: `this instance, ${publishing.self()}` }
  const holder = publishing.holder()
  if (holder !== undefined) return { state: 'UP', detail: holder }
  return { state: 'DEGRADED', detail: publishing.problem() ?? 'nobody yet' }
}

interface HealthParts {
  db: Database
  publishing: KeptPublishing
  following: Following
  asked: HealthWatch | undefined
}

/** What publishing or reading says; where that is nothing bad, what the database said when it was asked last. */
function healthOf({ db, publishing, following, asked }: HealthParts, options: DatabaseSideOptions): SourceHealth {
  const { url } = options.config.clickhouse
  const side = publishing.current()
  const used =
    side === undefined ? readingHealth(publishing, following, url) : publishingHealth(side, options.legacy.logs, url)
  const ageMs = asked?.ageMs()
  if (used.state !== 'UP') return { ...used, ageMs }
  if (db.isLeftAlone())
    return { state: 'DEGRADED', detail: 'it failed several times in a row: questions go elsewhere for a while', ageMs }
  const problem = asked?.problem()
  return problem === undefined ? { ...used, ageMs } : { state: 'DEGRADED', detail: problem, ageMs }
}

function readingHealth(publishing: KeptPublishing, following: Following, url: string | undefined): SourceHealth {
  const problem = publishing.problem()
  if (problem !== undefined) return { state: 'DEGRADED', detail: problem }
  if (!following.isFresh()) return { state: 'DEGRADED', detail: following.problem() ?? 'the database does not answer' }
  const lost = lossesHealth(following.losses())
  if (lost !== undefined) return lost
  return { state: 'UP', detail: `${url === undefined ? 'embedded' : new URL(url).host}, read alone` }
}
