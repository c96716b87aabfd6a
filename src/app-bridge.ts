import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { type Backups, createBackups } from './backup/backup.ts'
import { openDatabase } from './clickhouse/database.ts'
import { createPublishedEvidence } from './clickhouse/published-evidence.ts'
import { createPublishedRecords } from './clickhouse/published-records.ts'
import { createRecordStore, takeRightToPublish } from './clickhouse/record-store.ts'
import { applySchemaChanges, readSchemaChanges } from './clickhouse/schema-changes.ts'
import type { Config } from './config.ts'
import type { LegacySource } from './enhanced-analysis/legacy-source.ts'
import { createRunControl, type RunControl } from './migration/run-control.ts'
import { archivedTokens } from './migration/verification.ts'
import type { Logger } from './observability/logger.ts'
import type { SourceHealth, TokenSource } from './ports/token-source.ts'
import { lockPathOf, takeLock } from './process-lock.ts'
import { createClickHouseSource, createHybridSource, type DatabaseSourcesOptions } from './reading/database-sources.ts'
import { openLedger } from './shipping/ledger.ts'
import { createPublicationGate } from './shipping/publication-gate.ts'
import { type Shipper, startShipper } from './shipping/shipper.ts'

/** Everything that needs the database, wired. */
export interface Bridge {
  clickhouse: TokenSource
  hybrid: TokenSource
  shipper: Shipper
  control: RunControl
  backups: Backups
  /** Of the latest run, 0 to 1. */
  progress(): number
  /** Counts what switched what readers may see: runs that began or ended, retired logs. */
  generation(): number
  health(): SourceHealth
  close(): Promise<void>
}

/** The bridge, which comes up by itself once the database can be reached. */
export interface BridgeHandle {
  current(): Bridge | undefined
  health(): { state: 'UP' | 'DEGRADED' | 'DOWN' | 'OFF'; detail: string }
  /** Settles when the database was opened, or could not be opened for the first time. */
  whenTried(): Promise<void>
  close(): Promise<void>
}

const RETRY_MS = 5000

/** `journalKeyId` names the journal's key, for the backups. */
export function startBridge(config: Config, legacy: LegacySource, logger: Logger, journalKeyId: string): BridgeHandle {
  let bridge: Bridge | undefined
  let problem = 'starting'
  let closed = false
  let timer: NodeJS.Timeout | undefined
  const { url, embedded } = config.clickhouse
  const isOff = url === undefined && !embedded

  const attempt = async (): Promise<void> => {
    try {
      // what is published can be told only of logs that were looked at
      await legacy.whenReady()
      if (closed) return
      bridge = await openBridge(config, legacy, logger, journalKeyId)
      logger.info({ clickhouse: url ?? 'embedded' }, 'the database is open')
    } catch (error) {
      const { message } = error as Error
      if (message !== problem) logger.error({ err: error }, 'the database cannot be opened: everybody is on legacy')
      problem = message
      if (!closed) timer = setTimeout(() => (opening = attempt()), RETRY_MS)
    }
  }
  const first = isOff ? Promise.resolve() : attempt()
  let opening = first

  return {
    current: () => bridge,
    whenTried: () => first,
    health() {
      if (isOff) return { state: 'OFF', detail: 'neither CLICKHOUSE_URL nor CLICKHOUSE_EMBEDDED' }
      return bridge?.health() ?? { state: problem === 'starting' ? 'DEGRADED' : 'DOWN', detail: problem }
    },
    async close() {
      closed = true
      clearTimeout(timer)
      // a start that waits for the first analysis ends with the process
      if (bridge !== undefined || legacy.status()?.ready === true) await opening
      await bridge?.close()
    },
  }
}

async function openBridge(config: Config, legacy: LegacySource, logger: Logger, journalKeyId: string): Promise<Bridge> {
  const ledgerPath = join(config.dataDir, 'ledger')
  const unlock = takeLock(lockPathOf(ledgerPath))
  if (unlock === undefined) throw new Error(`another process has the ledger of ${config.dataDir}`)
  const db = await openDatabase({
    url: config.clickhouse.url,
    user: config.clickhouse.user,
    password: config.clickhouse.password,
    database: config.clickhouse.database,
    folder: join(config.dataDir, 'clickhouse'),
  }).catch((error: unknown) => {
    unlock()
    throw error
  })
  try {
    await applySchemaChanges(db)
    const holder = `${hostname()}:${process.pid}:${randomUUID()}`
    const store = createRecordStore(db, await takeRightToPublish(db, holder))
    const ledger = openLedger(ledgerPath, await store.id(), await store.lastSeq())
    await legacy.logs.update(ledger.states())
    const gate = createPublicationGate()
    const evidence = createPublishedEvidence(db)
    const parts = { ledger, logs: legacy.logs, evidence, now: Date.now }
    const health = (): SourceHealth => healthOf(shipper, config, legacy)
    const sources: DatabaseSourcesOptions = {
      files: legacy,
      published: createPublishedRecords(db),
      read: gate.read,
      archivedTokens: () => archivedTokens(parts),
      seq: ledger.seq,
      health,
    }
    let progress = 0
    const control = createRunControl({
      ledger,
      logs: legacy.logs,
      store,
      evidence,
      publish: gate.publish,
      exclusive: (run) => shipper.exclusive(run),
      recordsPerSecond: () => shipper.recordsPerSecond(),
      onChange(report) {
        const { id, state, error } = report
        logger[state === 'FAILED' ? 'error' : 'info']({ migration: id, state, error }, 'migration')
        progress = control.progress()
        shipper.kick()
      },
    })
    progress = control.progress()
    const shipper = startShipper({
      logs: legacy.logs,
      store,
      ledger,
      gate,
      assignments: control.assignments,
      beforeShipping: control.beforeShipping,
      onPublished() {
        control.onPublished()
        progress = control.progress()
      },
      onIdle: control.onIdle,
      onProblem(error) {
        control.onProblem(error)
        logger.warn({ err: error }, 'shipping stopped for a while')
      },
    })
    legacy.logs.onChange(shipper.kick)
    shipper.kick()
    return {
      clickhouse: createClickHouseSource(sources),
      hybrid: createHybridSource(sources),
      shipper,
      control,
      backups: createBackups({
        ...parts,
        store,
        folder: config.backupDir,
        schema: readSchemaChanges().length,
        journalKeys: [journalKeyId],
        publish: gate.publish,
        exclusive: (run) => shipper.exclusive(run),
        onRestored: () => (progress = control.progress()),
      }),
      progress: () => progress,
      generation: ledger.generation,
      health,
      async close() {
        await shipper.close()
        ledger.close()
        await db.close()
        unlock()
      },
    }
  } catch (error) {
    await db.close()
    unlock()
    throw error
  }
}

function healthOf(shipper: Shipper, config: Config, legacy: LegacySource): SourceHealth {
  const problem = shipper.problem()
  if (problem !== undefined) return { state: 'DEGRADED', detail: problem }
  const where = config.clickhouse.url === undefined ? 'embedded' : new URL(config.clickhouse.url).host
  return { state: 'UP', detail: `${where}, ${legacy.logs.unshippedBytes()} bytes of logs not shipped` }
}
