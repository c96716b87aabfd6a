import type { FrozenLog, Migration } from '../domain/migration.ts'
import { NO_LOG } from '../shipping/shared-entries.ts'
import { estimateSeconds } from './plan.ts'
import { isVerifiedIn } from './run-report.ts'
import type { RunParts } from './runs.ts'
import { describeFindings, type Findings, isClean, publishedLogs, verifyPublished } from './verification.ts'

/** What is done with a run in one of its states, in the shipper's turn. */
export type Step = (parts: RunParts, migration: Migration) => Promise<void>

/** PLANNED → RUNNING: what there is to carry is frozen, and what an earlier rollback has kept counts again. */
export const freeze: Step = async (parts, migration) => {
  const { logs, runs } = parts
  await parts.takeStock()
  await register(parts, 'new')
  const catalogue = await logs.catalogue()
  await parts.publish({ change: { kind: 'publishKept' }, note: NO_LOG })
  const frozen = catalogue.map((log): FrozenLog => ({ ...log, tokens: String(log.tokens) }))
  // it may have been rolled back meanwhile
  if (runs.latest()?.state !== 'PLANNED') return
  const records = frozen.reduce((sum, log) => sum + log.records, 0)
  const bytes = frozen.reduce((sum, { to }) => sum + BigInt(to), 0n)
  const estimatedSeconds = estimateSeconds(records, bytes, parts.recordsPerSecond())
  runs.save({ ...migration, state: 'RUNNING', catalogue: frozen, estimatedSeconds })
}

/** From here on every instance calls these logs alike, and knows them on its own disk. */
export async function register(
  { ledger, logs }: Pick<RunParts, 'ledger' | 'logs'>,
  which: 'new' | 'old',
): Promise<void> {
  const states = await logs.registrations(which)
  ledger.register(states)
  await logs.update(states)
}

/** RUNNING → VERIFYING → COMPLETED or FAILED: all that may be carried is. */
export const finish: Step = async (parts, migration) => {
  const { ledger, runs, now } = parts
  const missing = migration.catalogue.filter((log) => !isVerifiedIn(ledger, log))
  // after a repair, logs may have been replaced long since: what was published of them is verified
  if (missing.length > 0 && migration.deep !== true) {
    const error = `${missing.length} transcripts were replaced or removed while they were carried, first ${missing[0]?.path}: start again`
    runs.save({ ...migration, state: 'FAILED', difference: null, error, finishedAt: now() })
    return
  }
  const verifying: Migration = { ...migration, state: 'VERIFYING' }
  runs.save(verifying)
  const findings = await verifyPublished(parts, migration.deep === true)
  // it may have been rolled back meanwhile
  if (runs.latest()?.state !== 'VERIFYING') return
  const { deep: _, ...ended } = judged({ ...verifying, finishedAt: now() }, findings, now())
  runs.save(ended)
  runs.ended(ended)
}

/** ROLLING_BACK → ROLLED_BACK: what came from transcripts counts no more, unless only ClickHouse still has it. */
export const rollBack: Step = async (parts, migration) => {
  const { ledger, logs, publish, runs, now } = parts
  const { discardArchived = false } = migration
  const { archived } = await publishedLogs(parts)
  const kept = discardArchived ? [] : [...ledger.archived(), ...(await logs.archived())]
  const done: Migration = { ...migration, state: 'ROLLED_BACK', difference: null, error: null, finishedAt: now() }
  await publish({
    change: { kind: 'rollBack', kept: discardArchived ? 'none' : archived },
    note: { kind: 'rolledBack', migration: done, kept },
  })
  runs.changed(done)
}

/** COMPLETED where nothing was found, else FAILED with what was. */
export function judged(migration: Migration, findings: Findings, now: number): Migration {
  const { verification } = findings
  const { difference } = verification
  const whole = { ...migration, difference, verification, finishedAt: migration.finishedAt ?? now }
  if (isClean(findings)) return { ...whole, state: 'COMPLETED', error: null }
  return { ...whole, state: 'FAILED', error: describeFindings(findings) }
}
