import { statfs } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import type { Config } from '../config.ts'
import type { Verification } from '../domain/migration.ts'
import type { MigrationReport } from '../migration/run-report.ts'
import type { Flags } from '../ports/flags.ts'
import { createGrowth } from '../risk/growth.ts'
import type { MeasuredName } from '../risk/indicators.ts'
import type { Measured, Measures } from '../risk/watch.ts'
import type { AccessSide } from './access-side.ts'
import type { AuditSide } from './audit-side.ts'
import type { KeptDatabaseSide } from './kept-database-side.ts'
import type { ReadingSide } from './reading-side.ts'
import type { WatchedIngests, WatchedOperations } from './risk-observed.ts'
import type { ShadowSide } from './shadow-side.ts'

// What the indicators of risk are measured by: here are the parts of the server that tell it.

export interface RiskMeasuresOptions {
  config: Pick<Config, 'dataDir' | 'journalDir'>
  database: Pick<KeptDatabaseSide, 'current' | 'health'>
  reading: Pick<ReadingSide, 'cacheHealth'>
  flags: Pick<Flags, 'health'>
  access: Pick<AccessSide, 'slowestKeys'>
  audit: Pick<AuditSide, 'denials' | 'figures'>
  shadow: Pick<ShadowSide, 'evidence'>
  ingests: WatchedIngests
  operations: WatchedOperations
  /** Bytes of this process's heap and buffers. */
  memory?: () => number
  /** Of the disk that a folder is on, how much is taken, 0 to 1. */
  taken?: (folder: string) => Promise<number>
  now: () => number
}

export interface RiskMeasures {
  measures: Measures
  /** Looks whether the database can be reached, and at the memory; to be called every few seconds. */
  look(): void
}

type Of<Name extends MeasuredName> = Pick<Measures, Name>

const WINDOW_MS = 5 * 60_000
const MEGABYTE = 1e6
const MEMORY_MS = 60_000
/** With fewer, chance decides. */
const AT_LEAST = 20

const told = (value: number | null | undefined, at?: number | null): Measured | undefined =>
  value === undefined || value === null ? undefined : { value, ...(typeof at === 'number' && { at }) }

export function createRiskMeasures(options: RiskMeasuresOptions): RiskMeasures {
  const { config, database, ingests, taken = takenOf } = options
  const reach = watchReach(options)
  const memory = watchMemory(options)
  return {
    look() {
      reach.look()
      memory.look()
    },
    measures: {
      ...runMeasures(() => database.current()?.runs().report(), options.now),
      ...accessMeasures(options),
      ...answerMeasures(options),
      ...databaseMeasures(options),
      ...latencyMeasures(options),
      database_unreachable: () => told(reach.seconds()),
      storage_response_time: () => told(ingests.took.quantile(0.99)),
      storage_pending: () => told(ingests.mostWaiting()),
      memory_usage: () => told(memory.megabytes()),
      journal_disk: async () => told(await taken(config.journalDir)),
    },
  }
}

function ownMemory(): number {
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** Of the disk that a folder is on, how much is taken, as `df` has it: what is kept for root is neither. */
export async function takenOf(folder: string): Promise<number> {
  const { blocks, bfree, bavail } = await statfs(folder)
  const taken = blocks - bfree
  return taken + bavail === 0 ? 0 : taken / (taken + bavail)
}

type RunMeasures = Of<
  | 'token_count_variance'
  | 'verification_difference'
  | 'validation_failure_rate'
  | 'migration_error_rate'
  | 'migration_duration'
  | 'migration_over_estimate'
>

/** A shorter run is over before its estimate means anything. */
const SHORTEST_SECONDS = 60

function runMeasures(latest: () => MigrationReport | undefined, now: () => number): RunMeasures {
  /** What is rolled back, readers do not see. */
  const judged = (): MigrationReport | undefined => {
    const run = latest()
    return run?.state.startsWith('ROLL') ? undefined : run
  }
  const seconds = (run: MigrationReport): number =>
    run.state === 'RUNNING' || run.state === 'VERIFYING' ? Math.max(0, now() - run.startedAt) / 1000 : 0
  const verifiedAt = (run: MigrationReport): number | null => run.verification?.at ?? run.finishedAt
  return {
    token_count_variance() {
      const run = judged()
      if (run === undefined || run.difference === null || run.tokensTotal === 0n) return undefined
      return told(Number(run.difference) / Number(run.tokensTotal), verifiedAt(run))
    },
    verification_difference() {
      const run = judged()
      if (run === undefined || run.difference === null) return undefined
      return told(Number(run.difference) + foundBeside(run.verification), verifiedAt(run))
    },
    validation_failure_rate() {
      const found = judged()?.verification
      if (found === undefined || found.logsCompared === 0) return undefined
      return told(found.logsDiffering.length / found.logsCompared, found.at)
    },
    migration_error_rate: () => told(latest()?.errorRate),
    migration_duration() {
      const run = latest()
      return run === undefined ? undefined : told(seconds(run))
    },
    migration_over_estimate() {
      const run = latest()
      if (run?.estimatedSeconds === undefined) return undefined
      return told(seconds(run) / Math.max(SHORTEST_SECONDS, run.estimatedSeconds))
    },
  }
}

/** What a verification found beside tokens and records that differ. */
function foundBeside(verification: Verification | undefined): number {
  if (verification === undefined) return 0
  const { damagedBatches, winnersDiffer, sumsDiffer, surplusLogs } = verification
  return (damagedBatches?.length ?? 0) + Number(winnersDiffer ?? 0) + Number(sumsDiffer ?? 0) + surplusLogs.length
}

function accessMeasures({ audit, now }: RiskMeasuresOptions): Of<'authentication_failures' | 'unusual_access'> {
  const [denials, alarms] = [createGrowth(WINDOW_MS, now), createGrowth(WINDOW_MS, now)]
  return {
    authentication_failures: () => told(denials(audit.denials())),
    unusual_access: () => told(alarms(Object.values(audit.figures().alarms).reduce((a, b) => a + b, 0))),
  }
}

function answerMeasures({
  operations: { queries, all, failed },
  shadow: { evidence },
}: RiskMeasuresOptions): Of<'dashboard_answer_time' | 'api_error_rate' | 'data_consistency_score'> {
  return {
    dashboard_answer_time() {
      const ms = queries.quantile(0.95)
      return ms === undefined ? undefined : told(ms / 1000)
    },
    api_error_rate: () => (all.count() < AT_LEAST ? undefined : told(failed.count() / all.count())),
    data_consistency_score: () => (evidence.comparisons() < AT_LEAST ? undefined : told(evidence.consistency())),
  }
}

type DatabaseMeasures = Of<
  'pool_exhausted' | 'database_denials' | 'database_latency' | 'database_cpu' | 'database_disk'
>

function databaseMeasures({ config, database, now, taken = takenOf }: RiskMeasuresOptions): DatabaseMeasures {
  const [refused, denied] = [createGrowth(WINDOW_MS, now), createGrowth(WINDOW_MS, now)]
  const troubles = () => database.current()?.troubles()
  let before: { at: number; cpuSeconds: number } | undefined
  return {
    pool_exhausted() {
      const found = troubles()
      return found && told(refused(found.refused))
    },
    database_denials() {
      const found = troubles()
      return found && told(denied(found.denied))
    },
    database_latency: () => told(database.current()?.latencyMs()),
    async database_cpu() {
      const side = database.current()
      if (side === undefined) return undefined
      // the embedded engine is in this process
      const load = (await side.load()) ?? { cpuSeconds: ownCpuSeconds(), cores: availableParallelism() }
      const last = before
      before = { at: now(), cpuSeconds: load.cpuSeconds }
      const seconds = last === undefined ? 0 : (before.at - last.at) / 1000
      // none is known yet, or it was started anew
      if (last === undefined || seconds <= 0 || load.cpuSeconds < last.cpuSeconds) return undefined
      return told((load.cpuSeconds - last.cpuSeconds) / seconds / load.cores)
    },
    async database_disk() {
      const side = database.current()
      if (side === undefined) return undefined
      const load = await side.load()
      return told(load === undefined ? await taken(config.dataDir) : load.diskShare)
    },
  }
}

function latencyMeasures({
  reading,
  flags,
  access,
}: RiskMeasuresOptions): Of<'cache_latency' | 'flags_latency' | 'keys_latency'> {
  return {
    cache_latency: () => told(reading.cacheHealth().latencyMs),
    flags_latency: () => told(flags.health().latencyMs),
    keys_latency() {
      const slowest = access.slowestKeys()
      return slowest && { value: slowest.ms, by: slowest.host }
    },
  }
}

function ownCpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

/**
 * What is in memory and stays there: the least of the looks of the last minute. More of it is garbage that is not
 * collected yet.
 */
function watchMemory({ memory = ownMemory, now }: RiskMeasuresOptions) {
  const beganAt = now()
  let looks: { at: number; bytes: number }[] = []
  const look = (): void => {
    looks = [...looks.filter(({ at }) => now() - at <= MEMORY_MS), { at: now(), bytes: memory() }]
  }
  return {
    look,
    /** `undefined`: it was not looked at for so long yet. */
    megabytes() {
      look()
      if (now() - beganAt < MEMORY_MS) return undefined
      return Math.min(...looks.map(({ bytes }) => bytes)) / MEGABYTE
    },
  }
}

/** Since when the database cannot be reached. */
function watchReach({ database, now }: RiskMeasuresOptions) {
  let since: number | undefined
  const isOff = (): boolean => database.health().state === 'OFF'
  const look = (): void => {
    if (isOff() || database.current()?.isReachable() === true) since = undefined
    else since ??= now()
  }
  return {
    look,
    seconds() {
      look()
      if (isOff()) return undefined
      return since === undefined ? 0 : (now() - since) / 1000
    },
  }
}
