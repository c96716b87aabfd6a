import { EventEmitter } from 'node:events'
import { LRUCache } from 'lru-cache'
import { BridgeError, invalidArgument, isBridgeError } from '../domain/errors.ts'
import type { Action, FrozenLog, Migration } from '../domain/migration.ts'
import type { Ledger, LedgerFacts } from '../shipping/ledger.ts'
import { NO_RUN } from '../shipping/ledger-entries.ts'
import type { Assignment, Shipper, ShippingOrders } from '../shipping/shipper.ts'
import { createFollowers, type Followers } from './followers.ts'
import { type Plan, planRun } from './plan.ts'
import { orderRollback, pause, plan, type Repair, repair, requireStartable, resume, verify } from './run-actions.ts'
import { createRunReporter, type MigrationReport, type RunReporter } from './run-report.ts'
import { createRuns, type RunParts, type Runs } from './runs.ts'
import { isEnded, statesFor, TRANSITIONS } from './transitions.ts'

/** What becomes of the latest run: what operators do to it, and what the shipper is to do for it. */
export interface RunControl extends ShippingOrders {
  readonly events: Pick<EventEmitter<RunEvents>, 'on'>
  /**
   * Throws where no run can be begun, and then none is: CONFLICT where there is nothing to carry (readers would have 0 in
   * place of the sample), SOURCE_UNAVAILABLE where ClickHouse is away.
   */
  requireStartable(): Promise<void>
  /** Begins a run: what there is to carry is frozen first. */
  start(by: string): MigrationReport
  /** Stops carrying, until it is resumed, also over a restart; what is on its way is finished. */
  pause(id: string, by: string): MigrationReport
  resume(id: string, by: string): MigrationReport
  /** Compares the files with ClickHouse once more, down to every copy; a run that differs is FAILED from then on. */
  verify(id: string, by: string): Promise<MigrationReport>
  /** The same, and mends what differs: the run goes on until it is verified again. With `dryRun` nothing is changed. */
  repair(id: string, by: string, dryRun: boolean): Promise<Repair>
  /** Puts readers back on the files at once, and takes out what came from transcripts. May be repeated. */
  rollback(id: string, by: string, discardArchived: boolean): MigrationReport
  /** A dry run: everything but writing. */
  plan(): Promise<Plan>
  /** The run now, whenever something of it changes, and at its end. */
  follow(id: string): AsyncIterableIterator<MigrationReport>
  /** Whether a log of the catalogue is verified up to its byte. */
  isVerified(log: FrozenLog): boolean
  /** A run by its id, or the latest; `undefined` where there is none. */
  report(id?: string): MigrationReport | undefined
  /** Of the latest run, 0 to 1: 0 without one, after FAILED or a rollback. */
  progress(): number
  /** When the latest run began, in milliseconds since 1970: what is older is history. */
  cutOverAt(): number | undefined
  /**
   * Settles when what was done to a run is in the database, where whoever goes on with it finds it. Where ClickHouse went
   * away just then, the report says that it waits. Throws CONFLICT where another instance publishes.
   */
  kept(report: MigrationReport): Promise<MigrationReport>
  /** Ends everybody who follows a run. */
  close(): void
}

/** What a run's control tells to whoever listens. */
export interface RunEvents {
  /** A run began, or ended, or its state changed: what may be shipped, and what readers may see, has changed. */
  changed: [MigrationReport]
  /** Something went past its line while a run was carried. */
  alarm: [string]
}

export interface RunControlOptions
  extends Pick<RunParts, 'ledger' | 'logs' | 'evidence' | 'publish'>,
    Partial<Pick<RunParts, 'takeStock' | 'now'>> {
  /** Carries what the run says, once it is begun with this control as its orders. */
  shipper: Pick<Shipper, 'events' | 'exclusive' | 'kick' | 'recordsPerSecond'>
  /** Bytes of the server's own heap and buffers. */
  memory?: () => number
  /** Whether the built-in sample answers, because there is nothing on disk. */
  isSample?: () => boolean
}

export function createRunControl(options: RunControlOptions): RunControl {
  const { ledger, shipper, now = Date.now, takeStock = async () => undefined, memory = () => 0 } = options
  const events = new EventEmitter<RunEvents>()
  const followers = createFollowers<string>()
  const reporter = createRunReporter({ ledger, onAlarm: (alarm) => events.emit('alarm', alarm), memory, now })
  const runs = createRuns(ledger, reporter, (report) => {
    events.emit('changed', report)
    followers.tell(report.id)
    shipper.kick()
  })
  const parts: RunParts = { ...options, takeStock, now, recordsPerSecond: shipper.recordsPerSecond, runs }
  listen(shipper, runs, reporter, followers)
  return {
    events,
    requireStartable: () => requireStartable(parts, options.isSample),
    ...createActions(parts, shipper),
    ...createReports(parts, reporter, followers),
    ...createOrders(parts),
    kept: (report) => keptBy(ledger, report),
    close: followers.close,
  }
}

const WAITS =
  'ClickHouse went away before it was told: this instance does it by itself when ClickHouse is back, unless another one publishes by then'

/** It was done: the ledger on this disk has it. */
async function keptBy(ledger: Pick<Ledger, 'kept'>, report: MigrationReport): Promise<MigrationReport> {
  try {
    await ledger.kept()
    return report
  } catch (error) {
    if (!isBridgeError(error) || error.code !== 'SOURCE_UNAVAILABLE') throw error
    return { ...report, errorCount: report.errorCount + 1, lastError: WAITS }
  }
}

/** Tells the reporter and the followers of the latest run what the shipper does for it. */
function listen(
  shipper: Pick<Shipper, 'events'>,
  runs: Runs,
  reporter: RunReporter,
  followers: Followers<string>,
): void {
  const carried = (): Migration | undefined => {
    const migration = runs.latest()
    return migration?.state === 'RUNNING' ? migration : undefined
  }
  shipper.events.on('published', () => {
    const migration = carried()
    if (migration === undefined) return
    reporter.published(migration)
    followers.tell(migration.id)
  })
  shipper.events.on('problem', (error) => reporter.failed(error, carried()))
}

/** What operators do. */
function createActions(
  parts: RunParts,
  { exclusive }: Pick<Shipper, 'exclusive'>,
): Pick<RunControl, 'start' | 'pause' | 'resume' | 'verify' | 'repair' | 'rollback'> {
  const { runs } = parts
  /** The latest run, if it has this id and a state in which this may be done. */
  const allowed = (id: string, action: Action['action']): Migration => {
    const known = runs.find(id)
    if (known === undefined) throw invalidArgument('id', `there is no migration ${id}`)
    if (known.id !== runs.latest()?.id) throw new BridgeError('CONFLICT', `migration ${id} is not the latest one`)
    if (TRANSITIONS[known.state].actions.includes(action)) return known
    throw new BridgeError('CONFLICT', `migration ${id} is ${known.state}, not ${statesFor(action).join(' or ')}`)
  }
  return {
    start(by) {
      const latest = runs.latest()
      if (latest !== undefined && !isEnded(latest.state))
        throw new BridgeError(
          'CONFLICT',
          `migration ${latest.id} is ${latest.state}${latest.state === 'PAUSED' ? ': resume it, or roll it back' : ': one runs at a time'}`,
        )
      return plan(parts, by)
    },
    pause: (id, by) => pause(parts, allowed(id, 'pause'), by),
    resume: (id, by) => resume(parts, allowed(id, 'resume'), by),
    verify(id, by) {
      allowed(id, 'verify')
      return exclusive(() => verify(parts, () => allowed(id, 'verify'), by))
    },
    repair(id, by, dryRun) {
      allowed(id, 'repair')
      return exclusive(() => repair(parts, () => allowed(id, 'repair'), by, dryRun))
    },
    rollback: (id, by, discardArchived) => orderRollback(parts, allowed(id, 'rollback'), by, discardArchived),
  }
}

interface ReportParts extends Pick<RunParts, 'logs' | 'recordsPerSecond'> {
  ledger: Pick<LedgerFacts, 'generation' | 'seq'>
  runs: Pick<Runs, 'latest' | 'find'>
}

/** What can be seen of runs. */
export function createReports(
  { ledger, logs, recordsPerSecond, runs }: ReportParts,
  { report, isVerified }: RunReporter,
  followers: Followers<string>,
): Pick<RunControl, 'plan' | 'follow' | 'isVerified' | 'report' | 'progress' | 'cutOverAt'> {
  const progressOf = (run: Migration | undefined): number => (run === undefined ? 0 : report(run).progress)
  // each request asks for it, so it is computed once for each change of the ledger
  const progress = new LRUCache<string, number>({ max: 1, memoMethod: () => progressOf(runs.latest()) })
  return {
    isVerified: (log: FrozenLog) => isVerified(log),
    plan: (): Promise<Plan> => planRun(logs, recordsPerSecond),
    follow: (id) =>
      followers.follow(
        id,
        () => report(runs.find(id) as Migration),
        ({ state }) => isEnded(state),
      ),
    report(id) {
      const migration = id === undefined ? runs.latest() : runs.find(id)
      return migration === undefined ? undefined : report(migration)
    },
    progress: () => progress.memo(`${ledger.generation()} ${ledger.seq()}`),
    cutOverAt: () => runs.latest()?.startedAt,
  }
}

/** What the shipper is to do for the latest run: the journal always goes first. */
function createOrders(parts: RunParts): ShippingOrders {
  const { latest } = parts.runs
  const journal: Assignment = { run: NO_RUN, selection: { journal: true, transcripts: 'none' } }
  return {
    assignments() {
      const migration = latest()
      const carries = migration === undefined ? 'none' : TRANSITIONS[migration.state].carries
      if (migration === undefined || carries === 'none') return [journal]
      const transcripts = carries === 'all' ? carries : new Map(migration.catalogue.map(({ key, to }) => [key, to]))
      return [journal, { run: migration.id, selection: { journal: false, transcripts } }]
    },
    async beforeShipping() {
      const migration = latest()
      const step = migration && TRANSITIONS[migration.state].before
      if (migration === undefined || step === undefined) return false
      await step(parts, migration)
      return true
    },
    async onIdle() {
      const migration = latest()
      if (migration !== undefined) await TRANSITIONS[migration.state].whenIdle?.(parts, migration)
    },
  }
}
