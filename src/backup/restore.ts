import { digestVersion } from '../domain/digest-version.ts'
import { BridgeError } from '../domain/errors.ts'
import { formatLogName } from '../domain/log-name.ts'
import { publishedLogs } from '../migration/verification.ts'
import type { LogState } from '../ports/logs.ts'
import type { RecordBatch } from '../ports/record-store.ts'
import { digestLike, evidenceOf, isSameSummary, readBackLike, summarize } from '../shipping/batch-summary.ts'
import type { Group } from '../shipping/ledger-entries.ts'
import { NO_LOG } from '../shipping/shared-entries.ts'
import { type Manifest, readBatches, readManifest } from './backup-folder.ts'
import type { BackupParts, BackupReport } from './backup-parts.ts'
import type { SavedBatch } from './saved-batch.ts'

/** Batches that are written and published together: a thousand records each. */
const BATCHES_AT_ONCE = 10
/** The run of what comes from a backup: no migration's, so that no rollback drops it whole. */
const RESTORED = 'restored'

/** Brings back what the database lacks of the backup at `path`. Throws CONFLICT where that is damaged. */
export async function restoreBackup(parts: BackupParts, path: string): Promise<BackupReport> {
  const { ledger } = parts
  const manifest = await readManifest(path)
  if (manifest.schema > parts.schema)
    throw new BridgeError(
      'CONFLICT',
      `the backup is of schema ${manifest.schema}: this release knows up to ${parts.schema}`,
    )
  const { logs, ...counts } = await bringMissing(parts, path)
  const { unknown } = await publishedLogs(parts)
  const forgotten = new Set(unknown.filter((log) => logs.has(log)))
  if (forgotten.size > 0) ledger.restored(editionsOf(manifest, forgotten), ledger.nextSeq())
  return { folder: path, tokens: BigInt(manifest.tokens), ...counts }
}

/** Brings the batches of a backup that are missing or damaged. Returns how many, and all logs that the backup is of. */
async function bringMissing(parts: BackupParts, path: string) {
  const { evidence } = parts
  const damaged = new Set((await evidence.damaged()).map(({ batch }) => batch))
  const there = Map.groupBy(await evidence.batches(), ({ log, digest }) => `${log} ${digest}`)
  let [batches, records, skipped] = [0, 0, 0]
  const logs = new Set<string>()
  let missing: SavedBatch[] = []
  let replaced: number[] = []
  const flush = async (): Promise<void> => {
    if (missing.length > 0) await bring(parts, missing)
    // damaged batches count no more, now that there is an intact one with the same records
    const gone = replaced
    if (gone.length > 0) await parts.publish({ change: { kind: 'retireBatches', batches: gone }, note: NO_LOG })
    missing = []
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
    if (missing.push(saved) === BATCHES_AT_ONCE) await flush()
  }
  await flush()
  return { batches, records, skipped, logs }
}

/** Writes batches under new numbers, reads them back, and makes them count. */
async function bring({ ledger, store, publish }: BackupParts, saved: readonly SavedBatch[]): Promise<void> {
  const first = ledger.nextBatch()
  const batches = saved.map(({ log, records }, i): RecordBatch => ({ batch: first + i, log, run: RESTORED, records }))
  // with digests of the version that the backup has: the next restore finds these batches by them
  const summaries = saved.map(({ log, records, digest }) => summarize(log, records, digestVersion(digest)))
  const published = batches.map((batch, i) => evidenceOf(batch, summaries[i] as never))
  const group: Group = { batches: published, states: [], run: RESTORED, tokens: [] }
  ledger.plan(group)
  await store.write(batches)
  ledger.sent()
  const found = await readBackLike(store, published)
  if (!batches.every(({ batch }, i) => isSameSummary(found.get(batch), summaries[i] as never))) {
    ledger.abandon()
    throw new BridgeError('SOURCE_UNAVAILABLE', 'what was read back of a backup is not what was sent: try again')
  }
  ledger.verified()
  await publish({ change: { kind: 'publish', batches: published }, note: { kind: 'published', group } })
}

/**
 * What the ledger knew of these logs when the backup was made: they are this ledger's own, and it has forgotten them.
 */
function editionsOf({ ledger }: Manifest, names: ReadonlySet<string>): LogState[] {
  const known = [...ledger.states, ...ledger.archived] as LogState[]
  return known.filter(({ key, edition }) => names.has(formatLogName({ ledger: ledger.id, key, edition })))
}
