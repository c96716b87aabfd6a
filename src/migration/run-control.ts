import { randomUUID } from 'node:crypto'
import { BridgeError, invalidArgument } from '../domain/errors.ts'
import type { ShippableLogs } from '../ports/logs.ts'
import { type Ledger, LIVE } from '../shipping/ledger.ts'
import type { Assignment } from '../shipping/shipper.ts'
import type { FrozenLog, Migration, MigrationState } from './migration.ts'

/** A run as it is told: with how far it is. */
export interface MigrationReport extends Omit<Migration, 'catalogue' | 'difference'> {
  /** Verified tokens over those of the catalogue, 0 to 1. */
  progress: number
  filesTotal: number
  filesVerified: number
  filesFailed: number
  tokensTotal: bigint
  tokensVerified: bigint
  difference: bigint | null
}

export interface RunControl {
  /** Freezes what there is to carry and begins. */
  start(): Promise<MigrationReport>
  /** Stops carrying, until it is resumed, also over a restart; what is on its way is finished. */
  pause(id: string): MigrationReport
  resume(id: string): MigrationReport
  /** Compares the files with ClickHouse once more; a run that differs is FAILED from then on. */
  verify(id: string): Promise<MigrationReport>
  /** A run by its id, or the latest; `undefined` where there is none. */
  report(id?: string): MigrationReport | undefined
  /** Of the latest run, 0 to 1: 0 without one, after FAILED or a rollback. */
  progress(): number
  /** When the latest run began, in milliseconds since 1970: what is older is history. */
  cutOverAt(): number | undefined
  /** What may be shipped now, the journal first. */
  assignments(): Assignment[]
  /** Nothing is left to ship: ends a run that is through. */
  onIdle(): Promise<void>
}

export interface RunControlOptions {
  ledger: Ledger
  logs: ShippableLogs
  /** Tokens that differ between the files and what is published, all kinds; 0 where they are equal. */
  difference: () => Promise<bigint>
  /** A run began, or ended: what may be shipped, and what readers may see, has changed. */
  onChange: (report: MigrationReport) => void
  now?: () => number
}

export function createRunControl({
  ledger,
  logs,
  difference,
  onChange,
  now = Date.now,
}: RunControlOptions): RunControl {
  const latest = (): Migration | undefined => ledger.migrations().at(-1)

  /** The latest run, if it has this id and one of these states. */
  const latestIn = (id: string, states: readonly MigrationState[]): Migration => {
    const known = ledger.migrations().find((one) => one.id === id)
    if (known === undefined) throw invalidArgument('id', `there is no migration ${id}`)
    if (known !== latest()) throw new BridgeError('CONFLICT', `migration ${id} is not the latest one`)
    if (states.includes(known.state)) return known
    throw new BridgeError('CONFLICT', `migration ${id} is ${known.state}, not ${states.join(' or ')}`)
  }

  const isVerified = ({ key, to }: FrozenLog): boolean => (ledger.state(key)?.publishedTo ?? 0) >= to

  const verifiedTokensOf = (id: string, log: FrozenLog): bigint => {
    const all = BigInt(log.tokens)
    if (isVerified(log)) return all
    const part = ledger.verifiedTokens(id, log.key)
    return part < all ? part : all
  }

  const report = (migration: Migration): MigrationReport => {
    const { catalogue, difference: text, ...rest } = migration
    const tokensTotal = catalogue.reduce((sum, { tokens }) => sum + BigInt(tokens), 0n)
    const tokensVerified = catalogue.reduce((sum, log) => sum + verifiedTokensOf(migration.id, log), 0n)
    const filesVerified = catalogue.filter(isVerified).length
    return {
      ...rest,
      progress: progressOf(migration.state, tokensVerified, tokensTotal),
      filesTotal: catalogue.length,
      filesVerified,
      filesFailed: migration.state === 'FAILED' ? catalogue.length - filesVerified : 0,
      tokensTotal,
      tokensVerified,
      difference: text === null ? null : BigInt(text),
    }
  }

  const save = (migration: Migration): MigrationReport => {
    ledger.saveMigration(migration)
    const saved = report(migration)
    onChange(saved)
    return saved
  }

  const finish = (migration: Migration, ended: Pick<Migration, 'state' | 'difference' | 'error'>): void => {
    save({ ...migration, ...ended, finishedAt: now() })
  }

  return {
    async start() {
      const catalogue = await logs.catalogue()
      const running = latest()
      if (running?.state === 'RUNNING' || running?.state === 'VERIFYING' || running?.state === 'PAUSED')
        throw new BridgeError('CONFLICT', `migration ${running.id} is ${running.state}`)
      return save({
        id: randomUUID(),
        state: 'RUNNING',
        catalogue: catalogue.map((log) => ({ ...log, tokens: String(log.tokens) })),
        startedAt: now(),
        finishedAt: null,
        difference: null,
        error: null,
      })
    },
    pause: (id) => save({ ...latestIn(id, ['RUNNING']), state: 'PAUSED' }),
    resume: (id) => save({ ...latestIn(id, ['PAUSED']), state: 'RUNNING' }),
    async verify(id) {
      latestIn(id, ['COMPLETED', 'FAILED'])
      const differs = await difference()
      const migration = latestIn(id, ['COMPLETED', 'FAILED'])
      if (differs === 0n) return save({ ...migration, difference: '0' })
      return save({ ...migration, state: 'FAILED', difference: String(differs), error: differenceError(differs) })
    },
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
        return [journal, { run: LIVE, selection: { journal: false, transcripts: 'all' } }]
      return [journal]
    },
    async onIdle() {
      const migration = latest()
      if (migration?.state !== 'RUNNING' && migration?.state !== 'VERIFYING') return
      const missing = migration.catalogue.filter((log) => !isVerified(log))
      if (missing.length > 0)
        return finish(migration, {
          state: 'FAILED',
          difference: null,
          error: `${missing.length} transcripts were replaced or removed while they were carried, first ${missing[0]?.path}: start again`,
        })
      const verifying: Migration = { ...migration, state: 'VERIFYING' }
      save(verifying)
      const differs = await difference()
      finish(
        verifying,
        differs === 0n
          ? { state: 'COMPLETED', difference: '0', error: null }
          : {
              state: 'FAILED',
              difference: String(differs),
              error: differenceError(differs),
            },
      )
    },
  }
}

function progressOf(state: Migration['state'], verified: bigint, total: bigint): number {
  if (state === 'COMPLETED') return 1
  if (state === 'FAILED' || state === 'ROLLED_BACK' || state === 'ROLLING_BACK' || total === 0n) return 0
  return Number((verified * 1_000_000n) / total) / 1_000_000
}

const differenceError = (differs: bigint): string => `ClickHouse and the files differ by ${differs} tokens`
