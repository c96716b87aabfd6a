import { randomUUID } from 'node:crypto'
import { BridgeError } from '../domain/errors.ts'
import type { Migration } from '../domain/migration.ts'
import { NO_LOG } from '../shipping/shared-entries.ts'
import type { MigrationReport } from './run-report.ts'
import { judged } from './run-steps.ts'
import { acted, type RunParts } from './runs.ts'
import { describeFindings, type Findings, isClean, verifyPublished } from './verification.ts'

/** What a repair did, or would do. */
export interface Repair {
  migration: MigrationReport
  /** Paths of logs that are shipped anew. */
  reshipped: string[]
  /** Names of logs that are taken out, because they were never shipped. */
  retired: string[]
  winnersRebuilt: boolean
  sumsRebuilt: boolean
  /** Batches that only a backup has. */
  lost: number
  dryRun: boolean
}

/**
 * Throws where no run can be begun: CONFLICT where only the built-in sample answers (what a backup brought back is
 * published already), SOURCE_UNAVAILABLE where the database cannot be told of it.
 */
export async function requireStartable({ evidence, ledger }: RunParts, isSample = () => false): Promise<void> {
  await ledger.canTell()
  if (!isSample() || (await evidence.logs()).length > 0) return
  throw new BridgeError(
    'CONFLICT',
    'there is nothing to migrate: no transcripts were found, and the built-in sample answers',
  )
}

/** → PLANNED */
export function plan({ runs, now }: RunParts, by: string): MigrationReport {
  const planned: Migration = {
    id: randomUUID(),
    state: 'PLANNED',
    catalogue: [],
    startedAt: now(),
    finishedAt: null,
    difference: null,
    error: null,
  }
  return runs.save(acted(planned, now(), by, 'start'))
}

/** RUNNING → PAUSED */
export const pause = ({ runs, now }: RunParts, run: Migration, by: string): MigrationReport =>
  runs.save({ ...acted(run, now(), by, 'pause'), state: 'PAUSED' })

/** PAUSED → RUNNING */
export const resume = ({ runs, now }: RunParts, run: Migration, by: string): MigrationReport =>
  runs.save({ ...acted(run, now(), by, 'resume'), state: 'RUNNING' })

/** COMPLETED or FAILED → either of them. `current` gives the run as it is after the verification. */
export async function verify(parts: RunParts, current: () => Migration, by: string): Promise<MigrationReport> {
  const findings = await verifyPublished(parts, true)
  const at = parts.now()
  return parts.runs.save(judged(acted(current(), at, by, 'verify', describeFindings(findings)), findings, at))
}

/** COMPLETED or FAILED → RUNNING where something is mended, else either of them. */
export async function repair(parts: RunParts, current: () => Migration, by: string, dryRun: boolean): Promise<Repair> {
  const { ledger, runs, now } = parts
  const findings = await verifyPublished(parts, true)
  const run = current()
  const { reship, retire, rebuildWinners, rebuildSums, lost, verification } = findings
  const did = {
    reshipped: reship.map((key) => ledger.state(key)?.path ?? key),
    retired: retire,
    winnersRebuilt: rebuildWinners,
    sumsRebuilt: rebuildSums,
    lost: lost.length,
    dryRun,
  }
  const detail = `${dryRun ? 'dry run: ' : ''}${JSON.stringify(did)}`
  if (dryRun || isClean(findings)) {
    const told = judged(acted(run, now(), by, dryRun ? 'verify' : 'repair', detail), findings, now())
    return { ...did, migration: runs.save(told) }
  }
  const mending = { ...acted(run, now(), by, 'repair', detail), verification, finishedAt: null, error: null }
  await mend(parts, findings)
  return { ...did, migration: runs.save({ ...mending, state: 'RUNNING', difference: null, deep: true }) }
}

async function mend(parts: RunParts, findings: Findings): Promise<void> {
  const { logs, publish } = parts
  if (findings.retire.length > 0) await publish({ change: { kind: 'retire', logs: findings.retire }, note: NO_LOG })
  // sums are made anew with the winners
  if (findings.rebuildWinners) await publish({ change: { kind: 'rebuildWinners' }, note: NO_LOG })
  else if (findings.rebuildSums) await publish({ change: { kind: 'rebuildSums' }, note: NO_LOG })
  // verified again: what differs now that the winners follow from the copies, differs in the copies
  const { reship } = findings.rebuildWinners ? await verifyPublished(parts, true) : findings
  if (reship.length > 0) await logs.distrust(reship)
}

/** Any state → ROLLING_BACK. What was rolled back already stays, unless it is to go with what is archived. */
export function orderRollback(
  { runs, now }: RunParts,
  run: Migration,
  by: string,
  discardArchived: boolean,
): MigrationReport {
  if (run.state === 'ROLLING_BACK') return runs.report(run)
  if (run.state === 'ROLLED_BACK' && (!discardArchived || run.discardArchived === true)) return runs.report(run)
  const detail = discardArchived ? 'with what is archived' : undefined
  return runs.save({
    ...acted(run, now(), by, 'rollback', detail),
    state: 'ROLLING_BACK',
    error: null,
    discardArchived: discardArchived || run.discardArchived === true,
  })
}
