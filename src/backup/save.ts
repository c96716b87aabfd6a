import { BridgeError } from '../domain/errors.ts'
import { isJournalName } from '../domain/log-name.ts'
import { totalOf } from '../domain/token-counts.ts'
import { publishedLogs } from '../migration/verification.ts'
import type { PublishedBatch } from '../ports/record-store.ts'
import { digestLike, summarize } from '../shipping/batch-summary.ts'
import { writeBackup } from './backup-folder.ts'
import type { BackupParts, BackupReport } from './backup-parts.ts'
import type { SavedBatch } from './saved-batch.ts'

/** Batches whose copies are in memory together: a thousand records each. */
const BATCHES_AT_ONCE = 10

/** Saves what only ClickHouse still has, or `all`, to the folder `path`. Throws CONFLICT where a batch is damaged. */
export async function saveBackup(parts: BackupParts, path: string, all: boolean): Promise<BackupReport> {
  const { ledger } = parts
  const batches = await selected(parts, all)
  let records = 0
  let tokens = 0n
  async function* counted(): AsyncGenerator<SavedBatch> {
    for await (const one of verified(parts, batches)) {
      records += one.records.length
      for (const record of one.records) tokens += BigInt(totalOf(record))
      yield one
    }
  }
  await writeBackup(path, counted(), () => ({
    at: new Date(parts.now()).toISOString(),
    scope: all ? 'all' : 'archived',
    schema: parts.schema,
    journalKeys: parts.journalKeys,
    ledger: { id: ledger.id(), states: ledger.states(), archived: ledger.archived() },
    batches: batches.length,
    records,
    tokens: String(tokens),
  }))
  return { folder: path, batches: batches.length, records, tokens, skipped: 0 }
}

async function selected(parts: BackupParts, all: boolean): Promise<PublishedBatch[]> {
  const batches = await parts.evidence.batches()
  if (all) return batches
  const { onDisk } = await publishedLogs(parts)
  return batches.filter(({ log }) => isJournalName(log) || !onDisk.has(log))
}

/** The copies of each batch, which are what was verified when it was published. */
async function* verified({ evidence }: BackupParts, batches: readonly PublishedBatch[]): AsyncGenerator<SavedBatch> {
  for (let at = 0; at < batches.length; at += BATCHES_AT_ONCE) {
    const some = batches.slice(at, at + BATCHES_AT_ONCE)
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
