import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { type Database, openDatabase } from '../clickhouse/database.ts'
import { createRecordStore, takeRightToPublish } from '../clickhouse/record-store.ts'
import { applySchemaChanges } from '../clickhouse/schema-changes.ts'
import type { Config } from '../config.ts'
import { isBridgeError } from '../domain/errors.ts'
import type { LegacySource } from '../enhanced-analysis/service/legacy-source.ts'
import type { Logger } from '../observability/logger.ts'
import type { SourceHealth } from '../ports/token-source.ts'
import { takeLease } from '../redis/lease.ts'
import { type Closing, openWhole } from './closing.ts'
import { createDatabaseSources, type DatabaseSources } from './database-sources.ts'
import { publishingHealth } from './publishing-health.ts'
import { openPublishingSide, type PublishingSide } from './publishing-side.ts'

/** Everything that needs the database: what publishes to it, and what answers from it. */
export interface DatabaseSide extends DatabaseSources {
  publishing: PublishingSide
  health(): SourceHealth
  /** Aborted once somebody else has the right to publish; its reason says who, in words. */
  lost: AbortSignal
  close(): Promise<void>
}

export interface DatabaseSideOptions {
  config: Config
  legacy: LegacySource
  /** Names the journal's key, for the backups. */
  journalKeyId: string
  logger: Logger
}

/** Statements that a ClickHouse server carries out at once; the embedded engine does one after the other. */
const STATEMENTS_AT_ONCE = 8

/** Opens the database, takes the right to publish and begins to ship. Throws where somebody else has that right. */
export function openDatabaseSide(options: DatabaseSideOptions): Promise<DatabaseSide> {
  const { config, legacy, logger } = options
  return openWhole(async (closing) => {
    const lost = new AbortController()
    const db = await openAndUpdate(config)
    closing.add(() => db.close())
    const epoch = await takeRight(db, options, lost, closing)
    const publishing = await openPublishingSide({
      db,
      store: createRecordStore(db, epoch),
      epoch,
      onLost: ({ message }) => lost.abort(message),
      ledgerPath: join(config.dataDir, 'ledger'),
      logs: legacy.logs,
      backupDir: config.backupDir,
      journalKeys: [options.journalKeyId],
      isSample: () => legacy.status()?.sample === true,
      logger,
    })
    closing.add(publishing.close)
    const { shipper, control } = publishing
    shipper.events.on('problem', (error) => {
      if (isBridgeError(error) && error.code === 'CONFLICT') lost.abort(error.message)
    })
    const health = (): SourceHealth => publishingHealth(publishing, legacy.logs, config.clickhouse.url)
    const statementsAtOnce = config.clickhouse.url === undefined ? 1 : STATEMENTS_AT_ONCE
    const sources = createDatabaseSources({ db, publishing, files: legacy, statementsAtOnce, health })
    shipper.begin(control)
    closing.add(legacy.logs.onChange(shipper.kick))
    if (lost.signal.aborted) throw new Error(lost.signal.reason)
    return { ...sources, publishing, health, lost: lost.signal, close: closing.close }
  })
}

async function openAndUpdate({ clickhouse, dataDir }: Config): Promise<Database> {
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

/** Where several hosts run, one at a time publishes; a stalled one that wakes up is fenced off by the database. */
async function takeRight(
  db: Database,
  { config: { redisUrl }, logger }: DatabaseSideOptions,
  lost: AbortController,
  closing: Closing,
): Promise<number> {
  const holder = `${hostname()}:${process.pid}:${randomUUID()}`
  if (redisUrl !== undefined) {
    const name = await createRecordStore(db).id()
    const onLost = (by: string): void => lost.abort(`${by} has the lease`)
    const lease = await takeLease({ redisUrl, name, holder, onLost })
    if (lease.kind === 'held') throw new Error(`${lease.by} publishes to this database`)
    if (lease.kind === 'taken') closing.add(lease.release)
    else logger.warn({ problem: lease.problem }, 'Redis cannot be asked for the lease: the database alone fences')
  }
  return takeRightToPublish(db, holder)
}
