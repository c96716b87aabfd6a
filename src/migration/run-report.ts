import type { FrozenLog, Migration } from '../domain/migration.ts'
import type { Ledger } from '../shipping/ledger.ts'
import { alarmsOf, createWatched, type WatchedEvent } from './alarms.ts'
import { createCarryingRate } from './carrying-rate.ts'

/** A run as it is told: with how far it is. */
export interface MigrationReport extends Omit<Migration, 'difference' | 'discardArchived' | 'deep'> {
  /** Verified tokens over those of the catalogue, 0 to 1. */
  progress: number
  filesTotal: number
  filesVerified: number
  filesFailed: number
  tokensTotal: bigint
  tokensVerified: bigint
  recordsTotal: number
  bytesTotal: bigint
  difference: bigint | null
  /** Since the run began, or was resumed, in this process; `null` before there is something to measure. */
  tokensPerSecond: number | null
  secondsLeft: number | null
  /** What held the run up since this process started, and the last of it. */
  errorCount: number
  /** Of the groups that this process shipped in this run, those that were held up; `null` where it shipped none. */
  errorRate: number | null
  lastError: string | null
  /** Of the server's own heap and buffers. */
  memoryBytes: number
  /** What is past its line (promise 1.7). */
  alarms: string[]
}

/** Reports how far a run is, and raises its alarms. It is told what happens to the latest run. */
export interface RunReporter {
  report(migration: Migration): MigrationReport
  /** Whether a log of the catalogue is verified up to its byte. */
  isVerified(log: FrozenLog): boolean
  /** Its state changed: the rate is measured from here. */
  changed(): void
  published(migration: Migration): void
  /** Something held shipping up; `migration` is the run that was carried. */
  failed(error: Error, migration?: Migration): void
  ended(migration: Migration): void
}

export interface RunReporterOptions {
  ledger: Pick<Ledger, 'state' | 'verifiedTokens'>
  /** Something went past its line; each is told once a run. */
  onAlarm: (alarm: string) => void
  /** Bytes of the server's own heap and buffers. */
  memory: () => number
  now: () => number
}

export function createRunReporter({ ledger, onAlarm, memory, now }: RunReporterOptions): RunReporter {
  const rate = createCarryingRate(now)
  const watched = createWatched()
  let errorCount = 0
  let lastError: string | null = null

  const report = (migration: Migration): MigrationReport => {
    const { difference, discardArchived: _, deep: __, ...rest } = migration
    const figures = figuresOf(ledger, migration)
    const { tokensTotal, tokensVerified } = figures
    const tokensPerSecond = migration.state === 'RUNNING' ? rate.tokensPerSecond(migration.id) : null
    const memoryBytes = memory()
    const { groups, errors } = watched.of(migration.id)
    return {
      ...rest,
      ...figures,
      difference: difference === null ? null : BigInt(difference),
      tokensPerSecond,
      secondsLeft: tokensPerSecond ? Number(tokensTotal - tokensVerified) / tokensPerSecond : null,
      errorCount,
      errorRate: groups + errors === 0 ? null : errors / (groups + errors),
      lastError,
      memoryBytes,
      alarms: alarmsOf({ ...watchedFigures(migration, tokensTotal, memoryBytes, now()), groups, errors }),
    }
  }
  const watch = (migration: Migration, event: WatchedEvent): void => {
    watched.note(migration.id, event)
    for (const alarm of watched.untold(report(migration).alarms)) onAlarm(alarm)
  }

  return {
    report,
    isVerified: (log) => isVerifiedIn(ledger, log),
    changed: rate.restart,
    published(migration) {
      rate.observe(migration.id, tokensVerifiedIn(ledger, migration))
      watch(migration, 'group')
    },
    failed(error, migration) {
      errorCount++
      lastError = error.message
      if (migration !== undefined) watch(migration, 'error')
    },
    ended: (migration) => watch(migration, 'end'),
  }
}

type VerifiedLogs = RunReporterOptions['ledger']

/** Whether a log of a catalogue is verified up to its byte. */
export const isVerifiedIn = (ledger: Pick<VerifiedLogs, 'state'>, { key, to }: FrozenLog): boolean =>
  (ledger.state(key)?.publishedTo ?? 0) >= to

const tokensVerifiedIn = (ledger: VerifiedLogs, { id, catalogue }: Migration): bigint =>
  catalogue.reduce((sum, log) => {
    const all = BigInt(log.tokens)
    if (isVerifiedIn(ledger, log)) return sum + all
    const part = ledger.verifiedTokens(id, log.key)
    return sum + (part < all ? part : all)
  }, 0n)

/** What is verified of a catalogue. */
function figuresOf(ledger: VerifiedLogs, migration: Migration) {
  const { catalogue, state } = migration
  const tokensTotal = catalogue.reduce((sum, { tokens }) => sum + BigInt(tokens), 0n)
  const isRolledBack = state === 'ROLLED_BACK' || state === 'ROLLING_BACK'
  const tokensVerified = isRolledBack ? 0n : tokensVerifiedIn(ledger, migration)
  const filesVerified = isRolledBack ? 0 : catalogue.filter((log) => isVerifiedIn(ledger, log)).length
  return {
    progress: progressOf(state, tokensVerified, tokensTotal),
    filesTotal: catalogue.length,
    filesVerified,
    filesFailed: state === 'FAILED' ? Math.max(catalogue.length - filesVerified, failedLogs(migration)) : 0,
    tokensTotal,
    tokensVerified,
    recordsTotal: catalogue.reduce((sum, { records }) => sum + records, 0),
    bytesTotal: catalogue.reduce((sum, { to }) => sum + BigInt(to), 0n),
  }
}

function watchedFigures(migration: Migration, tokensTotal: bigint, memoryBytes: number, now: number) {
  const { state, startedAt, finishedAt, estimatedSeconds, difference } = migration
  const isCarried = state === 'RUNNING' || state === 'VERIFYING'
  return {
    memoryBytes: isCarried ? memoryBytes : 0,
    elapsedSeconds: isCarried ? ((finishedAt ?? now) - startedAt) / 1000 : 0,
    estimatedSeconds,
    variance: difference === null || tokensTotal === 0n ? undefined : Number(BigInt(difference)) / Number(tokensTotal),
  }
}

function progressOf(state: Migration['state'], verified: bigint, total: bigint): number {
  if (state === 'COMPLETED') return 1
  if (state === 'FAILED' || state === 'ROLLED_BACK' || state === 'ROLLING_BACK' || total === 0n) return 0
  return Number((verified * 1_000_000n) / total) / 1_000_000
}

const failedLogs = ({ verification }: Migration): number => verification?.logsDiffering.length ?? 0
