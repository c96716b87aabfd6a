import type { Ledger } from '../shipping/ledger.ts'
import type { FrozenLog, Migration } from './migration.ts'
import { createPace } from './pace.ts'
import { alarmsOf } from './watch.ts'

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
  lastError: string | null
  /** Of the server's own heap and buffers. */
  memoryBytes: number
  /** What is past its line (promise 1.7). */
  alarms: string[]
}

/** How far a run is, and what it is watched by. What happens to the latest run is told to it. */
export interface RunReporter {
  report(migration: Migration): MigrationReport
  /** Whether a log of the catalogue is verified up to its byte. */
  isVerified(log: FrozenLog): boolean
  /** Its state changed: the pace is measured from here. */
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

/** Whether a log of a catalogue is verified up to its byte. */
export const isVerifiedIn = (ledger: Pick<Ledger, 'state'>, { key, to }: FrozenLog): boolean =>
  (ledger.state(key)?.publishedTo ?? 0) >= to

export function createRunReporter({ ledger, onAlarm, memory, now }: RunReporterOptions): RunReporter {
  const pace = createPace(now)
  let errorCount = 0
  let lastError: string | null = null
  /** Of the run that is carried: what was published and went wrong in this process, and which alarms were told. */
  let watched = { run: '', groups: 0, errors: 0, told: new Set<string>() }

  const isVerified = (log: FrozenLog): boolean => isVerifiedIn(ledger, log)

  const verifiedTokens = (run: string, log: FrozenLog): bigint => {
    const all = BigInt(log.tokens)
    if (isVerified(log)) return all
    const part = ledger.verifiedTokens(run, log.key)
    return part < all ? part : all
  }

  const tokensVerifiedOf = ({ id, catalogue }: Migration): bigint =>
    catalogue.reduce((sum, log) => sum + verifiedTokens(id, log), 0n)

  const alarms = (migration: Migration, tokensTotal: bigint): string[] => {
    const { id, state, startedAt, finishedAt, estimatedSeconds, difference } = migration
    const isCarried = state === 'RUNNING' || state === 'VERIFYING'
    const { groups, errors } = watched.run === id ? watched : { groups: 0, errors: 0 }
    return alarmsOf({
      memoryBytes: isCarried ? memory() : 0,
      elapsedSeconds: isCarried ? ((finishedAt ?? now()) - startedAt) / 1000 : 0,
      estimatedSeconds,
      groups,
      errors,
      variance:
        difference === null || tokensTotal === 0n ? undefined : Number(BigInt(difference)) / Number(tokensTotal),
    })
  }

  const report = (migration: Migration): MigrationReport => {
    const { difference, discardArchived: _, deep: __, ...rest } = migration
    const { catalogue, state } = migration
    const tokensTotal = catalogue.reduce((sum, { tokens }) => sum + BigInt(tokens), 0n)
    const isRolledBack = state === 'ROLLED_BACK' || state === 'ROLLING_BACK'
    const tokensVerified = isRolledBack ? 0n : tokensVerifiedOf(migration)
    const filesVerified = isRolledBack ? 0 : catalogue.filter(isVerified).length
    const tokensPerSecond = state === 'RUNNING' ? pace.tokensPerSecond(migration.id) : null
    return {
      ...rest,
      progress: progressOf(state, tokensVerified, tokensTotal),
      filesTotal: catalogue.length,
      filesVerified,
      filesFailed: state === 'FAILED' ? Math.max(catalogue.length - filesVerified, failedLogs(migration)) : 0,
      tokensTotal,
      tokensVerified,
      recordsTotal: catalogue.reduce((sum, { records }) => sum + records, 0),
      bytesTotal: catalogue.reduce((sum, { to }) => sum + BigInt(to), 0n),
      difference: difference === null ? null : BigInt(difference),
      tokensPerSecond,
      secondsLeft: tokensPerSecond ? Number(tokensTotal - tokensVerified) / tokensPerSecond : null,
      errorCount,
      lastError,
      memoryBytes: memory(),
      alarms: alarms(migration, tokensTotal),
    }
  }

  const watch = (migration: Migration, event: 'group' | 'error' | 'end'): void => {
    if (watched.run !== migration.id) watched = { run: migration.id, groups: 0, errors: 0, told: new Set() }
    if (event === 'group') watched.groups++
    if (event === 'error') watched.errors++
    for (const alarm of report(migration).alarms) {
      const name = alarm.slice(0, alarm.indexOf(':'))
      if (watched.told.has(name)) continue
      watched.told.add(name)
      onAlarm(alarm)
    }
  }

  return {
    report,
    isVerified,
    changed: pace.restart,
    published(migration) {
      pace.observe(migration.id, tokensVerifiedOf(migration))
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

function progressOf(state: Migration['state'], verified: bigint, total: bigint): number {
  if (state === 'COMPLETED') return 1
  if (state === 'FAILED' || state === 'ROLLED_BACK' || state === 'ROLLING_BACK' || total === 0n) return 0
  return Number((verified * 1_000_000n) / total) / 1_000_000
}

const failedLogs = ({ verification }: Migration): number => verification?.logsDiffering.length ?? 0
