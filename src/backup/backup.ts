import { digestVersion } from '../domain/digest-version.ts'
import { BridgeError } from '../domain/errors.ts'
import { formatLogName, isJournalName } from '../domain/log-name.ts'
import { totalOf } from '../domain/token-counts.ts'
import { publishedLogs, type VerificationParts } from '../migration/verification.ts'
import type { LogState } from '../ports/logs.ts'
import type { PublishedBatch, RecordBatch, RecordStore } from '../ports/record-store.ts'
import { digestLike, evidenceOf, isSameSummary, readBackLike, summarize } from '../shipping/batch-summary.ts'
import { switchOver } from '../shipping/switch-over.ts'
import { backupPath, type Manifest, readBatches, readManifest, type SavedBatch, writeBackup } from './backup-folder.ts'

/** What was saved, or restored. */
export interface BackupReport {
  folder: string
  batches: number
  records: number
  tokens: bigint
  /** Batches that were there already. */
  skipped: number
}

export interface Backups {
  /**
   * Saves what only ClickHouse still has: archived records, and those that came by mutation; `all` saves everything
   * that is published. Every batch is held against its evidence on the way.
   */
  backup(name: string | undefined, all: boolean): Promise<BackupReport>
  /** Brings back what the database lacks of a backup, verified; what is there already is left alone. May be repeated. */
  restore(name: string): Promise<BackupReport>
}

export interface BackupsOptions extends VerificationParts {
  /** Where backups are kept. */
  folder: string
  store: RecordStore
  /** The number of the database's last schema change. */
  schema: number
  journalKeys: string[]
  publish: <T>(run: () => Promise<T>) => Promise<T>
  exclusive: <T>(run: () => Promise<T>) => Promise<T>
  /** Something else is to be seen by readers. */
  onRestored: () => Promise<void>
}

/** Batches that are in memory together: a thousand records each. */
const BATCHES_AT_ONCE = 10
/** The run of what comes from a backup: no migration's, so that no rollback drops it whole. */
const RESTORED = 'restored'

export function createBackups(options: BackupsOptions): Backups {
  const { ledger, evidence, store, folder, publish, exclusive } = options

  const selected = async (all: boolean): Promise<PublishedBatch[]> => {
    const batches = await evidence.batches()
    if (all) return batches
    const { live } = await publishedLogs(options)
    return batches.filter(({ log }) => isJournalName(log) || !live.has(log))
  }

  async function* save(batches: readonly PublishedBatch[]): AsyncGenerator<SavedBatch> {
    for (const some of chunks(batches)) {
      const copies = await evidence.copies(some.map(({ batch }) => batch))
      for (const { batch, log, run, digest } of some) {
        const records = copies.get(batch) ?? []
        // a batch of the first release has no digest of its own
        const found = digest === '' ? summarize(log, records).digest : digestLike(digest, log, records)
        if (digest !== '' && found !== digest)
          throw new BridgeError('CONFLICT', `batch ${batch} of ${log} is damaged: token-bridge migrate verify --repair`)
        yield { log, run, digest: found, records }
      }
    }
  }

  /** Writes batches under new numbers, reads them back, and makes them count. */
  const bring = async (saved: readonly SavedBatch[]): Promise<void> => {
    const first = ledger.nextBatch()
    const batches = saved.map(({ log, records }, i): RecordBatch => ({ batch: first + i, log, run: RESTORED, records }))
    // each in the version that the backup has it in, by which it is known again
    const summaries = saved.map(({ log, records, digest }) => summarize(log, records, digestVersion(digest)))
    const published = batches.map((batch, i) => evidenceOf(batch, summaries[i] as never))
    ledger.plan({ batches: published, states: [], run: RESTORED, tokens: [] })
    await store.write(batches)
    ledger.sent()
    const found = await readBackLike(store, published)
    if (!batches.every(({ batch }, i) => isSameSummary(found.get(batch), summaries[i] as never))) {
      ledger.abandon()
      throw new BridgeError('SOURCE_UNAVAILABLE', 'what was read back of a backup is not what was sent: try again')
    }
    ledger.verified()
    await publish(async () => {
      const seq = ledger.nextSeq()
      await store.publish(published, seq)
      ledger.published(seq)
    })
  }

  /** Damaged batches count no more, once there is an intact one with the same records. */
  const replace = (batches: readonly number[]): Promise<void> =>
    switchOver(options, (seq) => store.retireBatches(batches, seq))

  return {
    backup: (name = `backup-${new Date(options.now()).toISOString().replaceAll(/[:.]/g, '-')}`, all) =>
      exclusive(async () => {
        const path = backupPath(folder, name)
        const batches = await selected(all)
        let records = 0
        let tokens = 0n
        const counted = async function* (): AsyncGenerator<SavedBatch> {
          for await (const one of save(batches)) {
            records += one.records.length
            for (const r of one.records) tokens += BigInt(totalOf(r))
            yield one
          }
        }
        await writeBackup(
          path,
          counted(),
          (): Omit<Manifest, 'format' | 'sha256'> => ({
            at: new Date(options.now()).toISOString(),
            scope: all ? 'all' : 'archived',
            schema: options.schema,
            journalKeys: options.journalKeys,
            ledger: { id: ledger.id(), states: ledger.states(), archived: ledger.archived() },
            batches: batches.length,
            records,
            tokens: String(tokens),
          }),
        )
        return { folder: path, batches: batches.length, records, tokens, skipped: 0 }
      }),
    restore: (name) =>
      exclusive(async () => {
        const path = backupPath(folder, name)
        const manifest = await readManifest(path)
        if (manifest.schema > options.schema)
          throw new BridgeError(
            'CONFLICT',
            `the backup is of schema ${manifest.schema}: this release knows up to ${options.schema}`,
          )
        const damaged = new Set((await evidence.damaged()).map(({ batch }) => batch))
        const there = Map.groupBy(await evidence.batches(), ({ log, digest }) => `${log} ${digest}`)
        let [batches, records, skipped] = [0, 0, 0]
        const logs = new Set<string>()
        let waiting: SavedBatch[] = []
        let replaced: number[] = []
        const flush = async (): Promise<void> => {
          if (waiting.length > 0) await bring(waiting)
          if (replaced.length > 0) await replace(replaced)
          waiting = []
          replaced = []
        }
        for await (const saved of readBatches(path)) {
          logs.add(saved.log)
          if (digestLike(saved.digest, saved.log, saved.records) !== saved.digest)
            throw new BridgeError('CONFLICT', `the backup at ${path} holds a batch of ${saved.log} that is damaged`)
          const known = there.get(`${saved.log} ${saved.digest}`) ?? []
          replaced.push(...known.filter(({ batch }) => damaged.has(batch)).map(({ batch }) => batch))
          if (known.some(({ batch }) => !damaged.has(batch))) {
            skipped++
            continue
          }
          batches++
          records += saved.records.length
          if (waiting.push(saved) === BATCHES_AT_ONCE) await flush()
        }
        await flush()
        const { unknown } = await publishedLogs(options)
        const restored = new Set(unknown.filter((log) => logs.has(log)))
        if (restored.size > 0) ledger.restored(editionsOf(manifest, restored), ledger.nextSeq())
        await options.onRestored()
        return { folder: path, batches, records, tokens: BigInt(manifest.tokens), skipped }
      }),
  }
}

/** What the ledger knew of these logs when the backup was made: they are this ledger's own, and it has forgotten them. */
function editionsOf({ ledger }: Manifest, names: ReadonlySet<string>): LogState[] {
  const known = [...ledger.states, ...ledger.archived] as LogState[]
  return known.filter(({ key, edition }) => names.has(formatLogName({ ledger: ledger.id, key, edition })))
}

function* chunks<T>(list: readonly T[]): Generator<T[]> {
  for (let at = 0; at < list.length; at += BATCHES_AT_ONCE) yield list.slice(at, at + BATCHES_AT_ONCE)
}
