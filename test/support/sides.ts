import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, onTestFinished } from 'vitest'
import { type Database, openDatabase } from '../../src/clickhouse/database.ts'
import { createRecordStore } from '../../src/clickhouse/record-store.ts'
import { applySchemaChanges } from '../../src/clickhouse/schema-changes.ts'
import { createDatabaseSources } from '../../src/composition/database-sources.ts'
import { openPublishingSide } from '../../src/composition/publishing-side.ts'
import { finished } from '../../src/domain/work.ts'
import type { Analysis } from '../../src/enhanced-analysis/analysis.ts'
import { linesAt } from '../../src/enhanced-analysis/file-content.ts'
import type { Stock } from '../../src/migration/stock.ts'
import { type Findings, type VerificationParts, verifyPublished } from '../../src/migration/verification.ts'
import { createLogger } from '../../src/observability/logger.ts'
import type { LogSelection, ShippableLogs } from '../../src/ports/logs.ts'
import type { RecordStore } from '../../src/ports/record-store.ts'
import type {
  SourceAnswer,
  SourceHealth,
  SourceRequest,
  TokenSource,
  UnpublishedRecords,
} from '../../src/ports/token-source.ts'
import type { Ledger } from '../../src/shipping/ledger.ts'
import { NO_RUN } from '../../src/shipping/ledger-entries.ts'
import type { Shipper } from '../../src/shipping/shipper.ts'

let engineFolder: string | undefined
let databases = 0

/** One embedded engine for a test file, as a process can have only one; each call gives a database of its own. */
export async function testDatabase(): Promise<Database> {
  engineFolder ??= mkdtempSync(join(tmpdir(), 'token-bridge-engine-'))
  const db = await openDatabase({
    url: undefined,
    user: '',
    password: '',
    database: `t${databases++}`,
    folder: engineFolder,
  })
  await applySchemaChanges(db)
  return db
}

/** Call it at the top of a test file that uses `testDatabase`. */
export function removeEngineAfterAll(): void {
  afterAll(() => {
    if (engineFolder !== undefined) rmSync(engineFolder, { recursive: true, force: true })
  })
}

/** An analysis in this thread, as shipping and reading see it. */
export function logsOf(analysis: Analysis): ShippableLogs {
  return {
    update: async (states) => analysis.shipping.update(states),
    nextRanges: async (selection, maxRecords, after) => analysis.shipping.nextRanges(selection, maxRecords, after),
    retired: async () => analysis.shipping.retired(),
    catalogue: async () => analysis.shipping.catalogue().map((entry) => ({ ...entry, sha256: '' })),
    archived: async () => analysis.shipping.archived(),
    readable: async (keys) => keys.filter((key) => analysis.pathOf(key) !== undefined),
    publishedGroups: async (without) => finished(analysis.shipping.publishedGroups(without)),
    publishedRows: async (of, without) => analysis.shipping.publishedRows(of, without),
    linesAt: (key, positions) => linesAt(analysis.pathOf(key) ?? '', positions),
    setAside: async (refused) => analysis.shipping.setAside(refused),
    distrust: async (keys) => analysis.shipping.distrust(keys),
    unshippedBytes: () => analysis.shipping.unshippedBytes(),
    onChange: () => () => undefined,
  }
}

export function filesOf(analysis: Analysis): TokenSource & UnpublishedRecords {
  const watermark = () => `${analysis.watermark()}.${analysis.journaledBytes()}`
  const answer = ({ queries, quality }: SourceRequest, only?: Uint8Array): SourceAnswer => ({
    answers: analysis.answer(queries, only),
    quality: quality ? analysis.corpusQuality() : undefined,
    asOf: 0,
    watermark: watermark(),
    sample: false,
  })
  return {
    source: 'LEGACY',
    world: 'test',
    counted: () => ({ watermark: watermark(), asOf: 0 }),
    health: () => ({ state: 'UP', detail: '' }),
    answer: async (request) => answer(request),
    async answerUnpublished(request) {
      if (!analysis.shipping.isExact()) throw new Error('a renamed log waits to be shipped anew')
      const { identities, rows } = analysis.shipping.unpublished()
      return { ...answer(request, rows), identities }
    },
  }
}

export interface TestSides {
  legacy: TokenSource
  hybrid: TokenSource
  clickhouse: TokenSource
  ledger: Ledger
  shipper: Shipper
  /** What is published, held against the logs. */
  verify(deep?: boolean): Promise<Findings>
  parts: VerificationParts
  store: RecordStore
  problems: string[]
  /** What was found when the stock was taken last: when they were opened. */
  stock(): Stock
  /** Rolls everything back, twice, with a run begun in between. */
  rollBack(): Promise<void>
  /** Ships what is selected, to its end. */
  ship(selection: LogSelection): Promise<void>
  /** As at the end of a process: what it knew of is open to the next one. */
  close(): Promise<void>
}

export interface SidesOptions {
  analysis: Analysis
  db: Database
  ledgerPath: string
  groupRecords?: number
  wrapStore?: (store: RecordStore) => RecordStore
}

/** Everything from the logs to the answers, without the server around it. */
export async function openSides(options: SidesOptions): Promise<TestSides> {
  const { analysis, db } = options
  const store = (options.wrapStore ?? ((same) => same))(createRecordStore(db))
  const files = filesOf(analysis)
  const publishing = await openPublishingSide({
    db,
    store,
    ledgerPath: options.ledgerPath,
    logs: logsOf(analysis),
    backupDir: `${options.ledgerPath}-backups`,
    journalKeys: [],
    logger: createLogger('silent'),
    ...(options.groupRecords === undefined ? {} : { groupRecords: options.groupRecords }),
  })
  onTestFinished(publishing.close)
  const { shipper, control, ledger, parts } = publishing
  const problems: string[] = []
  shipper.events.on('problem', (error) => problems.push(error.message))
  let selection: LogSelection = { journal: false, transcripts: 'none' }
  let served: LogSelection | undefined
  let idle: (() => void) | undefined
  shipper.begin({
    assignments() {
      served = selection
      return [{ run: NO_RUN, selection }]
    },
    beforeShipping: async () => false,
    async onIdle() {
      // not that of what was selected before
      if (served === selection) idle?.()
    },
  })
  const health = (): SourceHealth => ({ state: 'UP', detail: '' })
  const sources = createDatabaseSources({ db, publishing, files, statementsAtOnce: 1, health })
  return {
    legacy: files,
    ...sources,
    ledger,
    shipper,
    verify: (deep = false) => shipper.exclusive(() => verifyPublished(parts, deep)),
    parts,
    store,
    problems,
    stock: publishing.stock.latest,
    close: publishing.close,
    async rollBack() {
      for (let time = 0; time < 2; time++) {
        const { id } = control.start('test')
        if (time === 1) await shipper.exclusive(control.beforeShipping)
        control.rollback(id, 'test', false)
        await shipper.exclusive(control.beforeShipping)
      }
    },
    async ship(next) {
      selection = { ...next }
      const { promise, resolve } = Promise.withResolvers<void>()
      idle = resolve
      shipper.kick()
      await promise
    },
  }
}
