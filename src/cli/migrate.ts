import cliProgress from 'cli-progress'
import { type RemoteOptions, request } from './client.ts'
import {
  MigrationDocument,
  type MigrationFieldsFragment,
  PauseMigrationDocument,
  ResumeMigrationDocument,
  StartMigrationDocument,
  VerifyMigrationDocument,
} from './generated.ts'

const POLL_MS = 250
const ENDED: ReadonlySet<string> = new Set(['COMPLETED', 'FAILED', 'ROLLED_BACK'])

/** `token-bridge migrate start`: starts a run and shows how far it is, until it ends. Exit code 1 where it failed. */
export async function startMigration(options: RemoteOptions & { wait: boolean }): Promise<void> {
  const { startMigration: started } = await request(StartMigrationDocument, {}, options)
  await follow(started, options)
}

/** `token-bridge migrate status`: the run with this id, or the latest. */
export async function showMigration(options: RemoteOptions & { id?: string; wait: boolean }): Promise<void> {
  const { migration } = await request(MigrationDocument, { id: options.id ?? null }, options)
  if (migration === null || migration === undefined)
    throw new Error(options.id === undefined ? 'there was no migration yet' : `there is no migration ${options.id}`)
  await follow(migration, options)
}

/** `token-bridge migrate pause|resume|verify ID`; without an id the latest run. Exit code 1 where it is FAILED then. */
export async function changeMigration(
  change: 'pause' | 'resume' | 'verify',
  id: string | undefined,
  options: RemoteOptions,
): Promise<void> {
  const of = id ?? (await request(MigrationDocument, { id: null }, options)).migration?.id
  if (of === undefined) throw new Error('there was no migration yet')
  const migration =
    change === 'pause'
      ? (await request(PauseMigrationDocument, { id: of }, options)).pauseMigration
      : change === 'resume'
        ? (await request(ResumeMigrationDocument, { id: of }, options)).resumeMigration
        : (await request(VerifyMigrationDocument, { id: of }, options)).verifyMigration
  await follow(migration, { ...options, wait: false })
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
  if (migration.state === 'FAILED') process.exitCode = 1
  process.stdout.write(options.json ? `${JSON.stringify(migration, null, 2)}\n` : describe(migration))
}

function describe(migration: MigrationFieldsFragment): string {
  const { id, state, progress, filesVerified, filesTotal, tokensVerified, tokensTotal, difference, error } = migration
  const lines = [
    `migration ${id}: ${state}, ${(progress * 100).toFixed(2)} %`,
    `${filesVerified} of ${filesTotal} transcripts verified, ${tokensVerified} of ${tokensTotal} tokens`,
    `difference ${difference ?? 'not known yet'}`,
    ...(error === null || error === undefined ? [] : [error]),
  ]
  return `${lines.join('\n')}\n`
}

/** On stderr, where a person looks. */
function createBar(): { update(migration: MigrationFieldsFragment): void; stop(): void } {
  if (!process.stderr.isTTY) return { update() {}, stop() {} }
  const bar = new cliProgress.SingleBar(
    {
      format: '{state} {bar} {percentage}% | {files} transcripts | {eta_formatted} left',
      stream: process.stderr,
      hideCursor: true,
      clearOnComplete: true,
    },
    cliProgress.Presets.shades_classic,
  )
  bar.start(10_000, 0, { state: 'starting', files: '0' })
  return {
    update({ progress, state, filesVerified, filesTotal }) {
      bar.update(Math.round(progress * 10_000), { state, files: `${filesVerified} of ${filesTotal}` })
    },
    stop: () => bar.stop(),
  }
}
