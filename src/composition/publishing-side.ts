import { type Backups, createBackups } from '../backup/backup.ts'
import type { Database } from '../clickhouse/database.ts'
import { createLedgerTable } from '../clickhouse/ledger-table.ts'
import { createPublishedEvidence } from '../clickhouse/published-evidence.ts'
import { readSchemaChanges } from '../clickhouse/schema-changes.ts'
import { BridgeError } from '../domain/errors.ts'
import { describePublisher } from '../domain/publisher-name.ts'
import { createRunControl, type RunControl } from '../migration/run-control.ts'
import { register } from '../migration/run-steps.ts'
import { createStockTaking, type StockTaking } from '../migration/stock.ts'
import type { VerificationParts } from '../migration/verification.ts'
import type { Logger } from '../observability/logger.ts'
import type { ShippableLogs } from '../ports/logs.ts'
import type { RecordStore } from '../ports/record-store.ts'
import { NO_TRACER, type Tracer } from '../ports/spans.ts'
import { settle } from '../shipping/groups.ts'
import { type Ledger, openLedger } from '../shipping/ledger.ts'
import { createPublish, type Publish } from '../shipping/publication.ts'
import { createPublicationGate, type PublicationGate } from '../shipping/publication-gate.ts'
import { createShipper, type Shipper } from '../shipping/shipper.ts'
import { createSumsFilling } from '../shipping/sums-filling.ts'
import { openWhole } from './closing.ts'
import { logFilling, logLedger, logRuns, logShipping, logStock } from './publishing-log.ts'

/** All that changes what readers of the database see, wired. Nothing is shipped before the shipper is begun. */
export interface PublishingSide {
  ledger: Ledger
  /** Runs what reads the database, while nothing is published; throws where another instance publishes meanwhile. */
  read: PublicationGate['read']
  /** The same, where no publication waits long for it. */
  readBriefly: PublicationGate['readBriefly']
  publish: Publish
  isSwitching: PublicationGate['isSwitching']
  shipper: Shipper
  control: RunControl
  stock: StockTaking
  backups: Backups
  /** What a verification works on. */
  parts: VerificationParts
  close(): Promise<void>
}

export interface PublishingSideOptions {
  db: Database
  store: RecordStore
  /** Of the right to publish; absent: nobody else can. */
  epoch?: number
  /** Another instance published before, and this one followed it. */
  isTakeOver?: boolean
  /** Nobody else can have the database. */
  isAlone?: boolean
  /** The right to publish is lost, or nobody knows what was written by it. */
  onLost?: (error: Error) => void
  ledgerPath: string
  logs: ShippableLogs
  backupDir: string
  /** Names of the journal's keys, for the backups. */
  journalKeys: string[]
  /** Records what is shipped; absent: nobody does. */
  tracer?: Tracer
  logger: Logger
  /** Whether the built-in sample answers, because there is nothing on disk. */
  isSample?: () => boolean
  groupRecords?: number
}

/** The one way to make it: in the server, and in tests with parts of their own. To be closed before the database is. */
export function openPublishingSide(options: PublishingSideOptions): Promise<PublishingSide> {
  const { store, logs, tracer = NO_TRACER, logger } = options
  return openWhole(async (closing) => {
    const { ledger, took } = await openLedgerOf(options)
    closing.add(() => ledger.close())
    await logs.update(ledger.states())
    await logLedger(logger, took, ledger, logs, options.isTakeOver ?? false)
    const gate = createPublicationGate()
    // what a crash left halfway is no loss: it is carried to its end before the stock is taken
    await settle({ logs, store, ledger, gate })
    const publish = createPublish({ ledger, store, gate, logs })
    const parts = { ledger, logs, evidence: createPublishedEvidence(options.db), now: Date.now }
    const stock = createStockTaking({ ...parts, publish }, (found) => logStock(logger, found))
    await stock.take()
    await register(parts, 'old')
    const filling = createSumsFilling({ ledger, store, gate }, logFilling(logger))
    closing.add(filling.close)
    const shipper = createShipper({ logs, store, ledger, gate, tracer, ...groupRecordsOf(options) })
    closing.add(() => shipper.close())
    const control = createRunControl({
      ...parts,
      publish,
      shipper,
      takeStock: stock.take,
      memory,
      isSample: options.isSample ?? (() => false),
    })
    closing.add(control.close)
    logShipping(logger, shipper)
    logRuns(logger, control)
    const backups = createBackups({
      ...parts,
      store,
      folder: options.backupDir,
      schema: readSchemaChanges().length,
      journalKeys: options.journalKeys,
      publish,
      exclusive: shipper.exclusive,
      onRestored: async () => void (await stock.take()),
    })
    return {
      ledger,
      read: readAs(options, gate.read, ledger),
      readBriefly: readAs(options, gate.readBriefly, ledger),
      isSwitching: gate.isSwitching,
      publish,
      shipper,
      control,
      stock,
      backups,
      parts,
      close: closing.close,
    }
  })
}

/** An instance that stalled does not know at once that another one has gone on: it looks after each answer. */
function readAs(
  { db, epoch = 0, isAlone = true, onLost }: PublishingSideOptions,
  read: PublicationGate['read'],
  ledger: Pick<Ledger, 'announced'>,
): PublicationGate['read'] {
  // nobody knows what readers see of a change that failed, before it is carried out again
  const requireCarriedOut = (): void => {
    if (ledger.announced() !== undefined)
      throw new BridgeError('SOURCE_UNAVAILABLE', 'a change of what is published has not ended')
  }
  if (isAlone)
    return (run) =>
      read(() => {
        requireCarriedOut()
        return run()
      })
  const table = createLedgerTable(db)
  return (run) =>
    read(async () => {
      requireCarriedOut()
      const result = await run()
      const head = await table.head()
      if (head.epoch === epoch) return result
      const error = new BridgeError(
        'SOURCE_UNAVAILABLE',
        `${describePublisher(head.holder)} publishes to this database now`,
      )
      onLost?.(error)
      throw error
    })
}

/** Opens the ledger. A new one, in place of one that was lost, goes on with numbers that the store has not used. */
async function openLedgerOf({ db, store, ledgerPath, epoch = 0, onLost }: PublishingSideOptions) {
  const ledger = openLedger(ledgerPath, await store.id(), await store.lastSeq())
  try {
    const lastBatch = await store.lastBatch(...ledger.batchNumbers())
    if (lastBatch !== undefined) ledger.skipBatch(lastBatch)
    const took = await ledger.share({ table: createLedgerTable(db), epoch, ...(onLost && { onLost }) })
    return { ledger, took }
  } catch (error) {
    ledger.close()
    throw error
  }
}

const groupRecordsOf = ({ groupRecords }: PublishingSideOptions) => (groupRecords === undefined ? {} : { groupRecords })

function memory(): number {
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
