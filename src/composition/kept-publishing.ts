import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from '../clickhouse/database.ts'
import { createRecordStore } from '../clickhouse/record-store.ts'
import { askForRight, type RightAnswer, takeRightToPublish } from '../clickhouse/right-to-publish.ts'
import type { Config } from '../config.ts'
import { isBridgeError } from '../domain/errors.ts'
import { describePublisher, type Place, placeName, publisherName } from '../domain/publisher-name.ts'
import type { LegacySource } from '../enhanced-analysis/service/legacy-source.ts'
import type { MigrationReport } from '../migration/run-report.ts'
import type { Logger } from '../observability/logger.ts'
import { createTroubleLog } from '../observability/trouble-log.ts'
import type { Audit } from '../ports/audit.ts'
import type { Tracer } from '../ports/spans.ts'
import type { Following } from '../shipping/following.ts'
import { aborted } from './aborted.ts'
import { type AuditSide, RUN_ACTION } from './audit-side.ts'
import { openWhole } from './closing.ts'
import { instanceOf } from './instance.ts'
import { openPublishingSide, type PublishingSide } from './publishing-side.ts'

/** The publishing side, wherever this instance has the right to publish; one of several that share a database has it. */
export interface KeptPublishing {
  current(): PublishingSide | undefined
  /** Who has the right, in words, as far as is known; `undefined` where it is this instance, or nobody. */
  holder(): string | undefined
  /** The same of this instance; `undefined` before it listens. */
  self(): string | undefined
  /** Why this instance cannot publish though nobody else does. */
  problem(): string | undefined
  /** Settles when it was tried for the first time. */
  whenTried(): Promise<void>
  close(): Promise<void>
}

export interface KeptPublishingOptions {
  config: Config
  legacy: LegacySource
  /** Ids of the journal's keys, for the backups. */
  journalKeys: string[]
  audit: Pick<AuditSide, 'join' | 'log'>
  tracer: Tracer
  logger: Logger
  db: Database
  /** What others publish: while this instance does, it tells the logs where they stand. */
  following: Pick<Following, 'pause' | 'resume'>
  /** The database answers again, after it did not. */
  onBack: () => void
  /** Where this instance can be asked, once it listens: before, it does not publish. */
  whenListening: () => Promise<string>
}

/** Between two looks whether whoever has the right is still alive. */
const RETRY_MS = 2000

export function keepPublishing(options: KeptPublishingOptions): KeptPublishing {
  const { legacy, logger, following, onBack } = options
  const place: Place = { host: hostname(), instance: instanceOf(options.config.dataDir) }
  let self: string | undefined
  let current: PublishingSide | undefined
  const standing = createStanding(logger)
  const tried = Promise.withResolvers<void>()
  const closing = new AbortController()
  const whenClosed = aborted(closing.signal)

  const publish = (): Promise<void> =>
    openWhole(async (opened) => {
      const url = await Promise.race([options.whenListening(), whenClosed])
      if (url === undefined) return
      const lost = new AbortController()
      const name = publisherName(place, process.pid, url)
      self = describePublisher(name)
      const answer = await rightOf(options, placeName(place), name, () => {
        onBack()
        current?.shipper.tryNow()
      })
      if (answer.kind === 'held') return standing.held(describePublisher(answer.by))
      opened.add(answer.right.release)
      await following.pause()
      const { epoch } = answer.right
      const side = await openPublishing(options, epoch, standing.hasFollowed(), lost).catch(async (error: Error) => {
        await following.resume()
        throw error
      })
      opened.add(side.close)
      opened.add(legacy.logs.onChange(side.shipper.kick))
      current = side
      standing.publishes()
      side.shipper.begin(side.control)
      tried.resolve()
      await Promise.race([aborted(lost.signal), whenClosed])
      if (!closing.signal.aborted) {
        standing.lost(lost.signal.reason)
        // until it is known what whoever goes on has published, what was known here is told
        await following.resume()
      }
      current = undefined
      await opened.close()
    })
  const keep = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      await publish().catch(standing.failed)
      tried.resolve()
      await sleep(RETRY_MS, undefined, { signal: closing.signal }).catch(() => undefined)
    }
  }
  const kept = keep()
  return {
    current: () => current,
    holder: standing.holder,
    self: () => self,
    problem: standing.problem,
    whenTried: () => tried.promise,
    async close() {
      closing.abort()
      await kept
    },
  }
}

/** Who has the right, or why nobody has it; each change is logged once. */
function createStanding(logger: Logger) {
  const troubles = createTroubleLog(
    logger,
    'this instance cannot publish to the database',
    'it can be published to again',
  )
  let holder: string | undefined
  let problem: string | undefined
  let hasFollowed = false
  return {
    holder: () => holder,
    problem: () => problem,
    /** Others publish, or may have published, since this process started: it read what they did. */
    hasFollowed: () => hasFollowed,
    held(by: string): void {
      if (holder !== by) logger.info({ holder: by }, 'another instance publishes to the database')
      troubles.over()
      holder = by
      problem = undefined
      hasFollowed = true
    },
    publishes(): void {
      troubles.over()
      logger.info('this instance publishes to the database')
      holder = undefined
      problem = undefined
    },
    /** Another one took the right, or nobody knows what was written by it. */
    lost(reason: string): void {
      logger.warn({ reason }, 'this instance publishes no more')
      problem = reason
      hasFollowed = true
    },
    failed(error: Error): void {
      // two asked for the right at once: who has it is seen at the next look
      if (isConflict(error)) return logger.info({ reason: error.message }, 'another instance was faster')
      troubles.failed(error)
      problem = error.message
      holder = undefined
    },
  }
}

const isConflict = (error: unknown): boolean => isBridgeError(error) && error.code === 'CONFLICT'

/** A run that fails, or is rolled back, by itself is told as well as one that somebody changes. */
function noteRun(audit: Pick<Audit, 'count'>, { id, state }: Pick<MigrationReport, 'id' | 'state'>): void {
  audit.count({ action: RUN_ACTION, outcome: state === 'FAILED' ? state : 'ok', detail: `id=${id} state=${state}` })
}

async function openPublishing(
  { db, config, legacy, journalKeys, audit, tracer, logger }: KeptPublishingOptions,
  epoch: number,
  isTakeOver: boolean,
  lost: AbortController,
): Promise<PublishingSide> {
  const side = await openPublishingSide({
    db,
    store: createRecordStore(db, epoch),
    epoch,
    isTakeOver,
    isAlone: config.clickhouse.url === undefined,
    onLost: ({ message }) => lost.abort(message),
    ledgerPath: join(config.dataDir, 'ledger'),
    logs: legacy.logs,
    backupDir: config.backupDir,
    journalKeys,
    isSample: () => legacy.status()?.sample === true,
    tracer,
    logger,
  })
  side.control.events.on('changed', (run) => noteRun(audit.log, run))
  side.shipper.events.on('problem', (error) => {
    if (isConflict(error)) lost.abort(error.message)
  })
  return side
}

/** The embedded engine is in this process, and nobody else can have it. */
async function rightOf(
  { db, config }: KeptPublishingOptions,
  place: string,
  holder: string,
  onBack: () => void,
): Promise<RightAnswer> {
  if (config.clickhouse.url !== undefined) return askForRight({ db, holder, place, onBack })
  return { kind: 'taken', right: { epoch: await takeRightToPublish(db, holder), release: async () => undefined } }
}
