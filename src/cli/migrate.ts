import cliProgress from 'cli-progress'
import { count, grouped } from '../domain/counted.ts'
import { type RemoteOptions, request } from './client.ts'
import {
  BackupMigrationDocument,
  MigrationDocument,
  type MigrationFieldsFragment,
  MigrationFilesDocument,
  MigrationPlanDocument,
  PauseMigrationDocument,
  RepairMigrationDocument,
  RestoreMigrationDocument,
  ResumeMigrationDocument,
  RollbackMigrationDocument,
  StartMigrationDocument,
  VerifyMigrationDocument,
} from './generated.ts'
import { printJson, printLines, shown, tellLines } from './terminal.ts'
import { UsageError } from './usage-error.ts'

const POLL_MS = 250
const ENDED: ReadonlySet<string> = new Set(['COMPLETED', 'FAILED', 'ROLLED_BACK'])
const MEGABYTE = 1e6
const LISTED = 20
/** Looking at every copy of a long history takes minutes. */
const LONG_MS = 3_600_000

/** `token-bridge migrate start`: starts a run and shows how far it is, until it ends. Exit code 1 where it failed. */
export async function startMigration(options: RemoteOptions & { wait: boolean; dryRun: boolean }): Promise<void> {
  if (options.dryRun) return showPlan(options)
  const { startMigration: started } = await request(StartMigrationDocument, {}, options)
  // ClickHouse went away meanwhile: whoever waits is told for what
  if (started.lastError !== null && !options.json) tellLines([`last error: ${started.lastError}`])
  await follow(started, options)
}

const NO_RUN = 'there was no migration yet: token-bridge migrate start begins one'

/** `token-bridge migrate status`: the run with this id, or the latest. */
export async function showMigration(
  options: RemoteOptions & { id?: string; wait: boolean; files: boolean },
): Promise<void> {
  if (options.files) return showFiles(options)
  const { migration } = await request(MigrationDocument, { id: options.id ?? null }, options)
  if (migration === null || migration === undefined)
    throw new Error(options.id === undefined ? NO_RUN : `there is no migration ${options.id}`)
  await follow(migration, options)
}

/** The catalogue of a run, a file a line. */
async function showFiles(options: RemoteOptions & { id?: string }): Promise<void> {
  const { migration } = await request(MigrationFilesDocument, { id: options.id ?? null }, options)
  const files = migration?.files ?? []
  if (options.json) return void printJson(files)
  for (const { path, bytes, records, tokens, duplicateLines, refused, verified } of files) {
    const lines = refused.reduce((sum, one) => sum + BigInt(one.count), 0n)
    const counts = `${count(records, 'record')}, ${count(tokens, 'token')}, ${count(duplicateLines, 'duplicate')}, ${grouped(lines)} refused`
    printLines([`${verified ? 'verified' : 'waiting '}  ${pathShown(path)}: ${megabytes(bytes)} MB, ${counts}`])
  }
}

/** `token-bridge migrate pause|resume [ID]`; without an id the latest run. */
export async function changeMigration(
  change: 'pause' | 'resume',
  id: string | undefined,
  options: RemoteOptions,
): Promise<void> {
  const of = { id: await idOf(id, options) }
  const migration =
    change === 'pause'
      ? (await request(PauseMigrationDocument, of, options)).pauseMigration
      : (await request(ResumeMigrationDocument, of, options)).resumeMigration
  await follow(migration, { ...options, wait: false })
}

/**
 * `token-bridge migrate verify [ID]`: exit code 1 where it is FAILED then. With `--repair` it tells what it would mend,
 * mends it, and waits until the run is verified again; `--dry-run` only tells.
 */
export async function verifyMigration(
  id: string | undefined,
  options: RemoteOptions & { repair: boolean; dryRun: boolean },
): Promise<void> {
  // alone it would verify in earnest, and may make the run FAILED
  if (options.dryRun && !options.repair)
    throw new UsageError('--dry-run belongs to --repair: it tells what would be mended')
  const of = await idOf(id, options)
  const long = { ...options, deadlineMs: LONG_MS }
  if (!options.repair) {
    const { verifyMigration: verified } = await request(VerifyMigrationDocument, { id: of }, long)
    return follow(verified, { ...options, wait: false })
  }
  const { repairMigration: plan } = await request(RepairMigrationDocument, { id: of, dryRun: true }, long)
  if (!options.json) tellLines(describeRepair(plan))
  if (options.dryRun) return print(plan.migration, options)
  const { repairMigration: done } = await request(RepairMigrationDocument, { id: of, dryRun: false }, long)
  await follow(done.migration, { ...options, wait: true })
}

/** `token-bridge migrate rollback [ID]`: waits until everything is taken out; readers are on the files at once. */
export async function rollbackMigration(
  id: string | undefined,
  options: RemoteOptions & { wait: boolean; discardArchived: boolean },
): Promise<void> {
  const { discardArchived } = options
  const of = { id: await idOf(id, options), discardArchived }
  const { rollbackMigration: rolling } = await request(RollbackMigrationDocument, of, options)
  await follow(rolling, options)
}

/** `token-bridge migrate backup [NAME]`: saves what only ClickHouse still has to a folder of the server. */
export async function backupMigration(
  name: string | undefined,
  options: RemoteOptions & { all: boolean },
): Promise<void> {
  const asked = { name: name ?? null, all: options.all }
  const long = { ...options, deadlineMs: LONG_MS }
  const { backupMigration: report } = await request(BackupMigrationDocument, asked, long)
  if (options.json) return void printJson(report)
  printLines([`${copies(report)}, ${count(report.tokens, 'token')} in all copies`, report.folder])
}

/** `token-bridge migrate restore NAME`: brings back what the database lacks of a backup. */
export async function restoreMigration(name: string, options: RemoteOptions): Promise<void> {
  const long = { ...options, deadlineMs: LONG_MS }
  const { restoreMigration: report } = await request(RestoreMigrationDocument, { name }, long)
  if (options.json) return void printJson(report)
  printLines([`${copies(report)} restored; ${grouped(report.skipped)} batches were there already`])
}

async function idOf(id: string | undefined, options: RemoteOptions): Promise<string> {
  const of = id ?? (await request(MigrationDocument, { id: null }, options)).migration?.id
  if (of === undefined) throw new Error(NO_RUN)
  return of
}

async function showPlan(options: RemoteOptions): Promise<void> {
  const { migrationPlan: plan } = await request(MigrationPlanDocument, {}, options)
  if (options.json) return void printJson(plan)
  const lines = [
    `${count(plan.files, 'transcript')}, ${megabytes(plan.bytes)} MB, ${count(plan.tokens, 'token')}`,
    `${copies(plan)}; ${grouped(plan.duplicateLines)} lines are duplicates`,
    ...plan.refused.map((one) => `${grouped(one.count)} lines are refused: ${one.reason}`),
    `it will take about ${duration(plan.estimatedSeconds)}; nothing was written`,
  ]
  printLines(lines)
}

async function follow(first: MigrationFieldsFragment, options: RemoteOptions & { wait: boolean }): Promise<void> {
  let migration = first
  const bar = createBar()
  try {
    while (options.wait && !ENDED.has(migration.state)) {
      bar.update(migration)
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
      const answer = await request(MigrationDocument, { id: first.id }, options)
      migration = answer.migration ?? migration
    }
  } finally {
    bar.stop()
  }
  print(migration, options)
}

function print(migration: MigrationFieldsFragment, options: RemoteOptions): void {
  if (migration.state === 'FAILED') process.exitCode = 1
  if (options.json) printJson(migration)
  else printLines(describe(migration))
}

function describe(migration: MigrationFieldsFragment): string[] {
  const { id, state, progress, filesVerified, filesTotal, tokensVerified, tokensTotal, difference, error } = migration
  const { tokensPerSecond, secondsLeft, errorCount, lastError, memoryBytes, verification } = migration
  const lines = [
    `migration ${id}: ${state}, ${(progress * 100).toFixed(2)} %`,
    `${grouped(filesVerified)} of ${grouped(filesTotal)} transcripts verified, ${grouped(tokensVerified)} of ${grouped(tokensTotal)} tokens`,
    `difference ${difference === null || difference === undefined ? 'not known yet' : grouped(difference)}`,
  ]
  if (tokensPerSecond !== null && tokensPerSecond !== undefined)
    lines.push(`${grouped(Math.round(tokensPerSecond))} tokens a second, about ${duration(secondsLeft ?? 0)} left`)
  if (verification !== null && verification !== undefined && verification.archivedTokens !== '0')
    lines.push(
      state === 'ROLLED_BACK'
        ? `archived copies added ${grouped(verification.archivedTokens)} tokens: no answer counts them until the next run, or at all where they were discarded`
        : `archived copies, which only ClickHouse still has, add ${grouped(verification.archivedTokens)} tokens to those on disk`,
    )
  if (memoryBytes !== '0') lines.push(`the server uses ${megabytes(memoryBytes)} MB of heap and buffers`)
  for (const alarm of migration.alarms) lines.push(`ALARM ${alarm}`)
  if (errorCount > 0) lines.push(`${count(errorCount, 'error')} since the server started, last: ${lastError}`)
  if (error !== null && error !== undefined) lines.push(error)
  for (const one of verification?.differences.slice(0, LISTED) ?? [])
    lines.push(
      `  ${pathShown(one.path)}, ${one.day}, lines ${grouped(one.firstLine)} to ${grouped(one.lastLine)}: ${grouped(one.missing)} missing, ${grouped(one.surplus)} surplus, ${grouped(one.altered)} altered, ${grouped(one.tokens)} tokens`,
    )
  for (const batch of verification?.damagedBatches?.slice(0, LISTED) ?? []) lines.push(`  batch ${batch}`)
  return lines
}

function describeRepair(plan: {
  reshipped: readonly string[]
  retired: readonly string[]
  winnersRebuilt: boolean
  sumsRebuilt: boolean
  lost: number
}): string[] {
  const lines = [
    ...plan.reshipped.map((path) => `to be shipped anew: ${path}`),
    ...plan.retired.map((log) => `to be taken out: ${log}`),
    ...(plan.winnersRebuilt ? ['what readers count is to be chosen anew'] : []),
    ...(plan.sumsRebuilt ? ['the sums of it are to be made anew'] : []),
    ...(plan.lost > 0 ? [`${grouped(plan.lost)} batches are archived and damaged: restore them from a backup`] : []),
  ]
  return lines.length === 0 ? ['nothing to mend'] : lines
}

/** Cut so that what follows in its line is seen, too. */
const pathShown = (path: string): string => shown(path, 1000)

const megabytes = (bytes: string): string => {
  const [whole = '', tenths] = (Number(bytes) / MEGABYTE).toFixed(1).split('.')
  return `${grouped(whole)}.${tenths}`
}

const copies = ({ records, batches }: { records: string | number; batches: number }): string =>
  `${count(records, 'copy')} of records in ${count(batches, 'batch')}`

function duration(seconds: number): string {
  const whole = Math.ceil(seconds)
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`
}

/** On stderr, where a person looks. */
function createBar(): { update(migration: MigrationFieldsFragment): void; stop(): void } {
  if (!process.stderr.isTTY) return { update() {}, stop() {} }
  const bar = new cliProgress.SingleBar(
    {
      format: '{state} {bar} {percentage}% | {files} transcripts | {rate} | {left}',
      stream: process.stderr,
      hideCursor: true,
      clearOnComplete: true,
    },
    cliProgress.Presets.shades_classic,
  )
  bar.start(10_000, 0, { state: 'starting', files: '0', rate: '', left: '' })
  return {
    update({ progress, state, filesVerified, filesTotal, tokensPerSecond, secondsLeft }) {
      const files = `${grouped(filesVerified)} of ${grouped(filesTotal)}`
      const rate = tokensPerSecond ? `${(tokensPerSecond / 1e6).toFixed(1)} M tokens/s` : ''
      const left = typeof secondsLeft === 'number' ? `${duration(secondsLeft)} left` : ''
      bar.update(Math.round(progress * 10_000), { state: shown(state, 20), files, rate, left })
    },
    stop: () => bar.stop(),
  }
}
