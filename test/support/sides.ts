import { EventEmitter } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, onTestFinished } from 'vitest'
import { type Database, openDatabase } from '../../src/clickhouse/database.ts'
import { createRecordStore } from '../../src/clickhouse/record-store.ts'
import { applySchemaChanges } from '../../src/clickhouse/schema-changes.ts'
import { createDatabaseSources, type DatabaseSources } from '../../src/composition/database-sources.ts'
import { openPublishingSide } from '../../src/composition/publishing-side.ts'
import { EVERYTHING, type Scope } from '../../src/domain/scope.ts'
import type { TokenQuery } from '../../src/domain/token-query.ts'
import type { Analysis } from '../../src/enhanced-analysis/analysis.ts'
import { createAnalysisService } from '../../src/enhanced-analysis/service/analysis-service.ts'
import { type Ask, answersThrough, type LogsThrough, logsThrough } from '../../src/enhanced-analysis/service/through.ts'
import type { Stock } from '../../src/migration/stock.ts'
import { type Findings, type VerificationParts, verifyPublished } from '../../src/migration/verification.ts'
import { createLogger, type Logger } from '../../src/observability/logger.ts'
import type { LogSelection, ShippableLogs } from '../../src/ports/logs.ts'
import type { RecordStore } from '../../src/ports/record-store.ts'
import type { PublishedInFiles, SourceHealth, TokenSource, UnpublishedRecords } from '../../src/ports/token-source.ts'
import type { Ledger } from '../../src/shipping/ledger.ts'
import { NO_RUN } from '../../src/shipping/ledger-entries.ts'
import type { Publish } from '../../src/shipping/publication.ts'
import type { Shipper } from '../../src/shipping/shipper.ts'
import { TEST_PRICES } from './test-prices.ts'

/** A property test leaves hundreds of databases behind. */
const REMOVE_MS = 120_000

let engineFolder: string | undefined
let databases = 0

/** One embedded engine for a test file, as a process can have only one; each call gives a database of its own. */
export async function testDatabase(): Promise<Database<string>> {
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
  }, REMOVE_MS)
}

interface Served {
  logs: ShippableLogs & LogsThrough
  files: TokenSource & UnpublishedRecords & PublishedInFiles
}

/** An analysis of which the test says when it looks, as a service in this thread: what shipping and reading see of it. */
export function served(analysis: Analysis): Served {
  const service = createAnalysisService(
    { open: () => analysis, rescanIntervalMs: 60_000 },
    { onStatus() {}, onBug() {}, onEnd() {} },
  )
  const ask: Ask = (name, asked, caller = '') => service.call(name, asked, caller)
  const { status } = service
  return {
    logs: {
      ...logsThrough(ask),
      unshippedBytes: () => status().unshippedBytes,
      onChange: () => () => undefined,
    },
    files: {
      source: 'LEGACY',
      world: 'test',
      counted: () => ({ watermark: status().watermark, asOf: 0 }),
      health: () => ({ state: 'UP', detail: '' }),
      ...answersThrough(ask),
    },
  }
}

export interface TestSides extends DatabaseSources {
  legacy: TokenSource
  ledger: Ledger
  shipper: Shipper
  /** What is published, held against the logs. */
  verify(deep?: boolean): Promise<Findings>
  parts: VerificationParts
  store: RecordStore
  /** The sources of another instance, which reads along: with an analysis of its own. */
  readAlong(analysis: Analysis): Promise<DatabaseSources & Pick<TestSides, 'legacy'> & Served['logs']>
  publish: Publish
  problems: string[]
  /** What was found when the stock was taken last: when they were opened. */
  stock(): Stock
  /** Rolls everything back, twice, with a run begun in between. */
  rollBack(): Promise<void>
  /** Ships what is selected, to its end, however often that is tried. */
  ship(selection: LogSelection): Promise<void>
  /** As at the end of a process: what it knew of is open to the next one. */
  close(): Promise<void>
}

export interface SidesOptions {
  analysis: Analysis
  db: Database<string>
  ledgerPath: string
  groupRecords?: number
  /** 1, as the embedded engine does. */
  statementsAtOnce?: number
  /** What fails is not waited for until it works: it is thrown by `ship`. */
  triesOnce?: boolean
  wrapStore?: (store: RecordStore) => RecordStore
  logger?: Logger
}

/** Everything from the logs to the answers, without the server around it. */
export async function openSides(options: SidesOptions): Promise<TestSides> {
  const { analysis, db, statementsAtOnce = 1 } = options
  const store = (options.wrapStore ?? ((same) => same))(createRecordStore(db))
  const { files, logs } = served(analysis)
  const publishing = await openPublishingSide({
    db,
    store,
    ledgerPath: options.ledgerPath,
    logs,
    backupDir: `${options.ledgerPath}-backups`,
    journalKeys: [],
    logger: options.logger ?? createLogger('silent'),
    ...(options.groupRecords === undefined ? {} : { groupRecords: options.groupRecords }),
  })
  onTestFinished(publishing.close)
  const { shipper, control, ledger, parts } = publishing
  const problems: string[] = []
  shipper.events.on('problem', (error) => {
    problems.push(error.message)
    if (options.triesOnce) failed?.(error)
  })
  let selection: LogSelection = { journal: false, transcripts: 'none' }
  let lastServed: LogSelection | undefined
  let idle: (() => void) | undefined
  let failed: ((error: Error) => void) | undefined
  shipper.begin({
    assignments() {
      lastServed = selection
      return [{ run: NO_RUN, selection }]
    },
    beforeShipping: async () => false,
    async onIdle() {
      // not that of what was selected before
      if (lastServed === selection) idle?.()
    },
  })
  const health = (): SourceHealth => ({ state: 'UP', detail: '' })
  const view = { ledger: () => ledger, read: publishing.read, readBriefly: publishing.readBriefly }
  const sourcesOf = (of: Served) =>
    createDatabaseSources({
      db,
      view,
      ...of,
      prices: TEST_PRICES,
      statementsAtOnce,
      events: new EventEmitter(),
      health,
    })
  return {
    legacy: files,
    ...sourcesOf({ logs, files }),
    async readAlong(other) {
      const of = served(other)
      await of.logs.update(ledger.states())
      return { legacy: of.files, ...sourcesOf(of), ...of.logs }
    },
    ledger,
    shipper,
    verify: (deep = false) => shipper.exclusive(() => verifyPublished(parts, deep)),
    parts,
    store,
    publish: publishing.publish,
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
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      idle = resolve
      failed = reject
      shipper.kick()
      await promise
    },
  }
}

let comparisons = 0

/** What a comparison of both sources comes to, each time with another one of them first: nothing where they agree. */
export async function mismatches(
  { comparing }: DatabaseSources,
  queries: readonly TokenQuery[],
  access: readonly Scope[] = EVERYTHING,
): Promise<string[]> {
  const compared = await comparing.compare({ queries, access }, comparisons++ % 2 === 0)
  if (compared.outcome === 'DISCARDED') return [`${compared.reason} ${compared.error}`]
  return compared.differences.map((one) => `${one.field}: ${one.control} ${one.candidate}`)
}
