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
import { isBridgeError } from './domain/errors.ts'
import type { LegacySource } from './enhanced-analysis/legacy-source.ts'
import { createRunControl, type RunControl } from './migration/run-control.ts'
import { type Stock, takeStock } from './migration/stock.ts'
import { archivedTokens } from './migration/verification.ts'
import type { Logger } from './observability/logger.ts'
import type { LogState } from './ports/logs.ts'
import type { SourceHealth, TokenSource } from './ports/token-source.ts'
import { createClickHouseSource, createHybridSource, type DatabaseSourcesOptions } from './reading/database-sources.ts'
import { takeLease } from './redis/lease.ts'
import { type Ledger, openLedger } from './shipping/ledger.ts'
import { createPublicationGate } from './shipping/publication-gate.ts'
import { createShipper, type Shipper } from './shipping/shipper.ts'
import { createTurns } from './turns/in-turn.ts'

/** Everything that needs the database, wired. */
export interface Bridge {
  clickhouse: TokenSource
  hybrid: TokenSource
  shipper: Shipper
  control: RunControl
  backups: Backups
  /** Published editions of the journal's segments, whoever shipped them. */
  journalEditions(): LogState[]
  /** What the database has lost for good. */
  stock(): Stock
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
/** Questions that a ClickHouse server is asked at once; the embedded engine does one after the other. */
const QUESTIONS_AT_ONCE = 8

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
      let opened: Bridge | undefined
      let lostBefore: string | undefined
      opened = await openBridge(config, legacy, logger, journalKeyId, (reason) => {
        // while it is being opened, which may take its time
        if (opened === undefined) lostBefore = reason
        if (opened === undefined || bridge !== opened || closed) return
        logger.error({ reason }, 'another bridge publishes to the database now: everybody is on legacy here')
        bridge = undefined
        problem = reason
        opening = opened.close().then(() => {
          if (!closed) timer = setTimeout(() => (opening = attempt()), RETRY_MS)
        })
      })
      if (lostBefore !== undefined) {
        await opened.close()
        throw new Error(lostBefore)
      }
      bridge = opened
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

/** `onLost` hears that another bridge has taken the right to publish. */
async function openBridge(
  config: Config,
  legacy: LegacySource,
  logger: Logger,
  journalKeyId: string,
  onLost: (reason: string) => void,
): Promise<Bridge> {
  const undo: (() => void | Promise<void>)[] = []
  const close = async (): Promise<void> => {
    for (const one of undo.splice(0).reverse()) await one()
  }
  try {
    return await open()
  } catch (error) {
    await close()
    throw error
  }

  async function open(): Promise<Bridge> {
    const ledgerPath = join(config.dataDir, 'ledger')
    const db = await openDatabase({
      url: config.clickhouse.url,
      user: config.clickhouse.user,
      password: config.clickhouse.password,
      database: config.clickhouse.database,
      folder: join(config.dataDir, 'clickhouse'),
    })
    undo.push(() => db.close())
    await applySchemaChanges(db)
    const holder = `${hostname()}:${process.pid}:${randomUUID()}`
    const id = await createRecordStore(db).id()
    await lease(id, holder)
    const store = createRecordStore(db, await takeRightToPublish(db, holder))
    const ledger = openLedger(ledgerPath, id, await store.lastSeq())
    undo.push(() => ledger.close())
    const lastBatch = await store.lastBatch(...ledger.batchNumbers())
    if (lastBatch !== undefined) ledger.skipBatch(lastBatch)
    await legacy.logs.update(ledger.states())
    const gate = createPublicationGate()
    const evidence = createPublishedEvidence(db)
    const parts = { ledger, logs: legacy.logs, evidence, now: Date.now }
    let stock: Stock
    const lookAtStock = async (): Promise<void> => {
      stock = await takeStock({ ...parts, store, publish: gate.publish })
      for (const what of stock.mended) logger.warn({ what }, 'the database lacked what was published to it')
      if (stock.lostRecords > 0) logger.error(stock, 'published records are lost: restore a backup')
    }
    await lookAtStock()
    const health = (): SourceHealth => healthOf(shipper, config, legacy, stock, ledger)
    const sources: DatabaseSourcesOptions = {
      files: legacy,
      published: createPublishedRecords(db),
      read: gate.read,
      inTurn: createTurns(config.clickhouse.url === undefined ? 1 : QUESTIONS_AT_ONCE),
      archivedTokens: remembered(
        () => `${ledger.seq()} ${legacy.status()?.watermark}`,
        () => archivedTokens(parts),
      ),
      seq: ledger.seq,
      health,
    }
    const shipper = createShipper({ logs: legacy.logs, store, ledger, gate })
    undo.push(() => shipper.close())
    const control = createRunControl({
      ledger,
      logs: legacy.logs,
      store,
      evidence,
      publish: gate.publish,
      shipper,
      takeStock: lookAtStock,
      isSample: () => legacy.status()?.sample === true,
      memory: () => {
        const { heapUsed, external } = process.memoryUsage()
        return heapUsed + external
      },
    })
    undo.push(control.close)
    control.events.on('alarm', (alarm) => logger.warn({ alarm }, 'the migration is past a line'))
    control.events.on('changed', ({ id, state, error }) => {
      logger[state === 'FAILED' ? 'error' : 'info']({ migration: id, state, error }, 'migration')
    })
    shipper.events.on('setAside', (refused) => {
      const places = refused.map(({ key, positions }) => ({
        log: key,
        count: positions.length,
        first: positions.slice(0, 10),
      }))
      logger.error({ places }, 'ClickHouse refuses records at these places: they are counted from the files alone')
    })
    shipper.events.on('problem', (error) => {
      logger.warn({ err: error }, 'shipping stopped for a while')
      if (isBridgeError(error) && error.code === 'CONFLICT') onLost(error.message)
    })
    shipper.begin(control)
    undo.push(legacy.logs.onChange(shipper.kick))
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
        onRestored: lookAtStock,
      }),
      journalEditions: () => [...ledger.journalEditions(), ...stock.foreignSegments],
      stock: () => stock,
      generation: ledger.generation,
      health,
      close,
    }
  }

  /** Where several hosts run, one at a time publishes; a stalled one that wakes up is fenced off by the database. */
  async function lease(name: string, holder: string): Promise<void> {
    const { redisUrl } = config
    if (redisUrl === undefined) return
    const lost = (by: string): void => onLost(`${by} has the lease`)
    const answer = await takeLease({ redisUrl, name, holder, onLost: lost })
    if (answer.kind === 'held') throw new Error(`${answer.by} publishes to this database`)
    if (answer.kind === 'taken') undo.push(answer.release)
    else logger.warn({ problem: answer.problem }, 'Redis cannot be asked for the lease: the database alone fences')
  }
}

/** What `compute` gave for the same key: once is enough. */
function remembered<T>(keyOf: () => string, compute: () => Promise<T>): () => Promise<T> {
  let known: { key: string; value: Promise<T> } | undefined
  return () => {
    const key = keyOf()
    if (known?.key !== key) {
      const value = compute()
      known = { key, value }
      value.catch(() => {
        known = undefined
      })
    }
    return known.value
  }
}

function healthOf(shipper: Shipper, config: Config, legacy: LegacySource, stock: Stock, ledger: Ledger): SourceHealth {
  const problem = shipper.problem()
  if (problem !== undefined) return { state: 'DEGRADED', detail: problem }
  if (stock.lostLogs.length > 0)
    return {
      state: 'DEGRADED',
      detail: `batches or copies of ${stock.lostLogs.length} archived logs are gone, ${stock.lostRecords} records with them: token-bridge migrate restore NAME brings back those of a backup`,
    }
  const setAside = ledger.states().reduce((sum, state) => sum + (state.setAside?.length ?? 0), 0)
  if (setAside > 0)
    return {
      state: 'DEGRADED',
      detail: `ClickHouse refused records at ${setAside} places: they are counted from the files`,
    }
  const where = config.clickhouse.url === undefined ? 'embedded' : new URL(config.clickhouse.url).host
  return { state: 'UP', detail: `${where}, ${legacy.logs.unshippedBytes()} bytes of logs not shipped` }
}
