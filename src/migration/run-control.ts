import { randomUUID } from 'node:crypto'
import { BridgeError, invalidArgument } from '../domain/errors.ts'
import type { ShippableLogs } from '../ports/logs.ts'
import type { PublishedEvidence, RecordStore } from '../ports/record-store.ts'
import { type Ledger, LIVE } from '../shipping/ledger.ts'
import type { Assignment } from '../shipping/shipper.ts'
import { createFollowers } from './followers.ts'
import type { Action, FrozenLog, Migration, MigrationState } from './migration.ts'
import { estimateSeconds, type Plan, planRun } from './plan.ts'
import { createRunReporter, type MigrationReport } from './run-report.ts'
import { describeFindings, type Findings, isClean, publishedLogs, verifyPublished } from './verification.ts'

export interface RunControl {
  /** Throws CONFLICT where there is nothing to carry: readers would have 0 in place of the sample. */
  requireHistory(): Promise<void>
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
  /** What may be shipped now, the journal first. */
  assignments(): Assignment[]
  /** Freezes a run that was planned, or carries out a rollback; returns whether there was one. */
  beforeShipping(): Promise<boolean>
  /** Nothing is left to ship: ends a run that is through. */
  onIdle(): Promise<void>
  /** Something was published. */
  onPublished(): void
  onProblem(error: Error): void
  /** Ends everybody who follows a run. */
  close(): void
}

/** What a repair did, or would do. */
export interface Repair {
  migration: MigrationReport
  /** Paths of logs that are shipped anew. */
  reshipped: string[]
  /** Names of logs that are taken out, because they were never shipped. */
  retired: string[]
  winnersRebuilt: boolean
  /** Batches that only a backup has. */
  lost: number
  dryRun: boolean
}

export interface RunControlOptions {
  ledger: Ledger
  logs: ShippableLogs
  store: Pick<RecordStore, 'rollBack' | 'publishKept' | 'rebuildWinners' | 'retire'>
  evidence: PublishedEvidence
  /** Runs while nobody reads. */
  publish: <T>(run: () => Promise<T>) => Promise<T>
  /** Runs while nothing is shipped. */
  exclusive: <T>(run: () => Promise<T>) => Promise<T>
  /** Looks whether the database still has what it should: before a run is begun. */
  takeStock?: () => Promise<unknown>
  /** Records that were carried a second, lately; `undefined` before there were any. */
  recordsPerSecond: () => number | undefined
  /** A run began, or ended: what may be shipped, and what readers may see, has changed. */
  onChange: (report: MigrationReport) => void
  /** Something went past its line while a run was carried. */
  onAlarm?: (alarm: string) => void
  /** Bytes of the server's own heap and buffers. */
  memory?: () => number
  /** Whether the built-in sample answers, because there is nothing on disk. */
  isSample?: () => boolean
  now?: () => number
}

const ACTIVE: readonly MigrationState[] = ['PLANNED', 'RUNNING', 'PAUSED', 'VERIFYING', 'ROLLING_BACK']
const ENDED: readonly MigrationState[] = ['COMPLETED', 'FAILED', 'ROLLED_BACK']
const MAX_HISTORY = 100

export function createRunControl(options: RunControlOptions): RunControl {
  const { ledger, logs, store, evidence, publish, exclusive, onChange, now = Date.now } = options
  const { onAlarm = () => undefined, memory = () => 0 } = options
  const reporter = createRunReporter({ ledger, onAlarm, memory, now })
  const { report, isVerified } = reporter

  const latest = (): Migration | undefined => ledger.migrations().at(-1)

  /** The latest run, if it has this id and one of these states. */
  const latestIn = (id: string, states: readonly MigrationState[]): Migration => {
    const known = ledger.migrations().find((one) => one.id === id)
    if (known === undefined) throw invalidArgument('id', `there is no migration ${id}`)
    if (known !== latest()) throw new BridgeError('CONFLICT', `migration ${id} is not the latest one`)
    if (states.includes(known.state)) return known
    throw new BridgeError('CONFLICT', `migration ${id} is ${known.state}, not ${states.join(' or ')}`)
  }

  const save = (migration: Migration): MigrationReport => {
    ledger.saveMigration(migration)
    reporter.changed()
    const saved = report(migration)
    onChange(saved)
    followers.tell(migration.id)
    return saved
  }

  /** A run after somebody did something to it. */
  const acted = (migration: Migration, by: string, action: Action['action'], detail?: string): Migration => {
    const one: Action = { at: now(), by, action, ...(detail === undefined ? {} : { detail }) }
    return { ...migration, history: [...(migration.history ?? []), one].slice(-MAX_HISTORY) }
  }

  const verified = (migration: Migration, findings: Findings): Migration => {
    const { verification } = findings
    const { difference } = verification
    const whole = { ...migration, difference, verification, finishedAt: migration.finishedAt ?? now() }
    if (isClean(findings)) return { ...whole, state: 'COMPLETED', error: null }
    return { ...whole, state: 'FAILED', error: describeFindings(findings) }
  }

  const parts = { ledger, logs, evidence, now }
  const followers = createFollowers<string>()

  const freeze = async (migration: Migration): Promise<void> => {
    await options.takeStock?.()
    const catalogue = await logs.catalogue()
    // what an earlier rollback has kept counts again
    await publish(async () => {
      const seq = ledger.nextSeq()
      await store.publishKept(seq)
      ledger.switched(seq)
    })
    const frozen = catalogue.map((log): FrozenLog => ({ ...log, tokens: String(log.tokens) }))
    // it may have been rolled back meanwhile
    if (latest()?.state !== 'PLANNED') return
    const records = frozen.reduce((sum, log) => sum + log.records, 0)
    const bytes = frozen.reduce((sum, { to }) => sum + BigInt(to), 0n)
    const estimatedSeconds = estimateSeconds(records, bytes, options.recordsPerSecond())
    save({ ...migration, state: 'RUNNING', catalogue: frozen, estimatedSeconds })
  }

  const carryOutRollback = (migration: Migration): Promise<void> =>
    publish(async () => {
      const { discardArchived = false } = migration
      const { archived } = await publishedLogs(parts)
      const editions = discardArchived ? [] : [...ledger.archived(), ...(await logs.archived())]
      const seq = ledger.nextSeq()
      await store.rollBack(discardArchived ? 'none' : archived, seq)
      const done: Migration = { ...migration, state: 'ROLLED_BACK', difference: null, error: null, finishedAt: now() }
      ledger.rolledBack(done, editions, seq)
      await logs.update(ledger.states())
      onChange(report(done))
      followers.tell(done.id)
    })

  const mend = async (findings: Findings): Promise<void> => {
    const change = (run: (seq: number) => Promise<void>): Promise<void> =>
      publish(async () => {
        const seq = ledger.nextSeq()
        await run(seq)
        ledger.switched(seq)
      })
    if (findings.retire.length > 0) await change((seq) => store.retire(findings.retire, seq))
    if (findings.rebuildWinners) await change(store.rebuildWinners)
    // what still differs once the winners are right again is in the copies
    const { reship } = findings.rebuildWinners ? await verifyPublished(parts, true) : findings
    if (reship.length > 0) await logs.distrust(reship)
  }

  return {
    async requireHistory() {
      // what a backup brought back is published already
      if (!options.isSample?.() || (await evidence.logs()).length > 0) return
      throw new BridgeError(
        'CONFLICT',
        'there is nothing to migrate: no transcripts were found, and the built-in sample answers',
      )
    },
    start(by) {
      const running = latest()
      if (running !== undefined && ACTIVE.includes(running.state))
        throw new BridgeError('CONFLICT', `migration ${running.id} is ${running.state}`)
      const planned: Migration = {
        id: randomUUID(),
        state: 'PLANNED',
        catalogue: [],
        startedAt: now(),
        finishedAt: null,
        difference: null,
        error: null,
      }
      return save(acted(planned, by, 'start'))
    },
    pause: (id, by) => save({ ...acted(latestIn(id, ['RUNNING']), by, 'pause'), state: 'PAUSED' }),
    resume: (id, by) => save({ ...acted(latestIn(id, ['PAUSED']), by, 'resume'), state: 'RUNNING' }),
    verify(id, by) {
      latestIn(id, ['COMPLETED', 'FAILED'])
      return exclusive(async () => {
        const findings = await verifyPublished(parts, true)
        const migration = latestIn(id, ['COMPLETED', 'FAILED'])
        return save(verified(acted(migration, by, 'verify', describeFindings(findings)), findings))
      })
    },
    repair(id, by, dryRun) {
      latestIn(id, ['COMPLETED', 'FAILED'])
      return exclusive(async () => {
        const findings = await verifyPublished(parts, true)
        const migration = latestIn(id, ['COMPLETED', 'FAILED'])
        const { reship, retire, rebuildWinners, lost } = findings
        const did = {
          reshipped: reship.map((key) => ledger.state(key)?.path ?? key),
          retired: retire,
          winnersRebuilt: rebuildWinners,
          lost: lost.length,
          dryRun,
        }
        const detail = `${dryRun ? 'dry run: ' : ''}${JSON.stringify(did)}`
        if (dryRun || isClean(findings)) {
          const told = verified(acted(migration, by, dryRun ? 'verify' : 'repair', detail), findings)
          return { ...did, migration: save(told) }
        }
        const { verification } = findings
        const mending = { ...acted(migration, by, 'repair', detail), verification, finishedAt: null, error: null }
        await mend(findings)
        return { ...did, migration: save({ ...mending, state: 'RUNNING', difference: null, deep: true }) }
      })
    },
    rollback(id, by, discardArchived) {
      const known = latestIn(id, [...ACTIVE, 'COMPLETED', 'FAILED', 'ROLLED_BACK'])
      if (known.state === 'ROLLING_BACK') return report(known)
      const isDone = known.state === 'ROLLED_BACK' && (!discardArchived || known.discardArchived === true)
      if (isDone) return report(known)
      const detail = discardArchived ? 'with what is archived' : undefined
      return save({
        ...acted(known, by, 'rollback', detail),
        state: 'ROLLING_BACK',
        error: null,
        discardArchived: discardArchived || known.discardArchived === true,
      })
    },
    close: followers.close,
    isVerified,
    plan: () => planRun(logs, options.recordsPerSecond),
    follow: (id) =>
      followers.follow(
        id,
        () => report(ledger.migrations().find((one) => one.id === id) as Migration),
        ({ state }) => ENDED.includes(state),
      ),
    report(id) {
      const migration = id === undefined ? latest() : ledger.migrations().find((one) => one.id === id)
      return migration === undefined ? undefined : report(migration)
    },
    progress() {
      const migration = latest()
      return migration === undefined ? 0 : report(migration).progress
    },
    cutOverAt: () => latest()?.startedAt,
    assignments() {
      const migration = latest()
      const journal: Assignment = { run: LIVE, selection: { journal: true, transcripts: 'none' } }
      if (migration?.state === 'RUNNING') {
        const transcripts = new Map(migration.catalogue.map(({ key, to }) => [key, to]))
        return [journal, { run: migration.id, selection: { journal: false, transcripts } }]
      }
      if (migration?.state === 'COMPLETED')
        return [journal, { run: migration.id, selection: { journal: false, transcripts: 'all' } }]
      return [journal]
    },
    async beforeShipping() {
      const migration = latest()
      if (migration?.state === 'PLANNED') await freeze(migration)
      else if (migration?.state === 'ROLLING_BACK') await carryOutRollback(migration)
      else return false
      return true
    },
    async onIdle() {
      const migration = latest()
      if (migration?.state !== 'RUNNING' && migration?.state !== 'VERIFYING') return
      const missing = migration.catalogue.filter((log) => !isVerified(log))
      // after a repair, logs may have been replaced long since: what was published of them is verified
      if (missing.length > 0 && migration.deep !== true) {
        const error = `${missing.length} transcripts were replaced or removed while they were carried, first ${missing[0]?.path}: start again`
        return void save({ ...migration, state: 'FAILED', difference: null, error, finishedAt: now() })
      }
      const verifying: Migration = { ...migration, state: 'VERIFYING' }
      save(verifying)
      const findings = await verifyPublished(parts, migration.deep === true)
      // it may have been rolled back meanwhile
      if (latest()?.state !== 'VERIFYING') return
      const { deep: _, ...ended } = verified({ ...verifying, finishedAt: now() }, findings)
      save(ended)
      reporter.ended(ended)
    },
    onPublished() {
      const migration = latest()
      if (migration?.state !== 'RUNNING') return
      reporter.published(migration)
      followers.tell(migration.id)
    },
    onProblem(error) {
      const migration = latest()
      reporter.failed(error, migration?.state === 'RUNNING' ? migration : undefined)
    },
  }
}
