import { z } from 'zod'
import { TEXT_VERSION } from '../domain/record-text.ts'
import type { BatchSummary, RecordBatch, RecordStore } from '../ports/record-store.ts'
import type { Database, Params } from './database.ts'
import { createFenced, type Fenced } from './fenced.ts'
import { identitySlices, sliceCount } from './slices.ts'
import type { PublishingStatement } from './statement-names.ts'
import { databaseId } from './statements/database-id.ts'
import { type Elected, MISSING, ofBatches, SLICE } from './statements/elect-winners.ts'
import { lastBatch, lastSeq } from './statements/last-seq.ts'
import { noteBatches } from './statements/note-batches.ts'
import { readBack } from './statements/read-back.ts'
import { DELETE_RETIRED, emptyRuns } from './statements/rebuild-winners.ts'
import { COPY_COLUMNS, cellsOf } from './statements/record-sql.ts'
import { markBatches, OF_BATCHES, OF_LOGS, OF_TRANSCRIPTS } from './statements/retire-batches.ts'
import { sumChanged } from './statements/sums.ts'
import { electWinners, timeWinners } from './statements/winners-by-time.ts'
import { createRebuilding, fillSums, type Rebuilding } from './sums.ts'

/** `epoch` is what `takeRightToPublish` gave; 0 where nobody else can publish. */
export function createRecordStore(db: Database, epoch = 0): RecordStore {
  const fenced = createFenced(db, epoch)
  const rebuilding = createRebuilding(db, fenced)
  return {
    ...numbersOf(db),
    ...writtenBatches(db),
    ...publications(db, fenced),
    ...rollbacks(db, fenced, rebuilding),
    ...rebuilding,
    fillSums: (seq) => fillSums(db, fenced, seq),
  }
}

/** What names the database; of a new one that nobody has named yet, no other one's. */
export async function readDatabaseId(db: Database): Promise<string> {
  const [row] = await db.query(databaseId)
  return z.string().parse(row?.id)
}

const numbersOf = (db: Database): Pick<RecordStore, 'id' | 'lastSeq' | 'lastBatch'> => ({
  async id() {
    await db.command(
      'make-database-id',
      'INSERT INTO database_id SELECT generateUUIDv4() WHERE (SELECT count() FROM database_id) = 0',
    )
    return readDatabaseId(db)
  },
  async lastSeq() {
    const [row] = await db.query(lastSeq)
    return row?.seq ?? 0
  },
  async lastBatch(from, to) {
    return (await db.query(lastBatch, { from, to }))[0]?.batch
  },
})

function* rowsOf(batches: readonly RecordBatch[]): Iterable<unknown[]> {
  for (const { batch, log, run, records } of batches)
    for (const record of records) yield [log, batch, run, ...cellsOf(record)]
}

const writtenBatches = (db: Database): Pick<RecordStore, 'write' | 'readBack'> => ({
  async write(batches) {
    const columns = ['log', 'batch', 'run', ...COPY_COLUMNS]
    await db.insert('write-batches', 'copies', columns, rowsOf(batches))
  },
  async readBack(batches, version = TEXT_VERSION) {
    const rows = await db.query(readBack(version), { batches })
    return new Map(rows.map(({ batch, ...summary }) => [batch, summary satisfies BatchSummary]))
  },
})

/** Statements that choose the winners of some identities anew, in the order in which they are carried out. */
interface Election {
  byTime: string
  sums: string
  winners: string
}

const electionOf = (elected: Elected, identities?: string): Election => ({
  byTime: timeWinners(elected),
  sums: sumChanged(identities),
  winners: electWinners(identities),
})

const OF_SOME_BATCHES = electionOf(ofBatches('{batches:Array(UInt64)}'))
const OF_SOME_LOGS = electionOf(ofBatches(`(SELECT batch FROM batches FINAL WHERE ${OF_LOGS})`))
const OF_KEPT = electionOf(
  ofBatches("(SELECT batch FROM batches FINAL WHERE state = 'published' AND version = {seq:UInt64})"),
)
const OF_MISSING = electionOf(MISSING, SLICE)

/**
 * Chooses winners, in all tables that follow from it. The winners come last: where it was cut off before them, it is
 * still known where those of before were. A statement that comes too late inserts nothing and says nothing, so it is
 * asked afterwards: throws CONFLICT.
 */
async function elect(
  { note, stillOurs }: Fenced,
  name: PublishingStatement,
  { byTime, sums, winners }: Election,
  params: Params,
): Promise<void> {
  await note('time-winners', byTime, params)
  await note('sum-changed', sums, params)
  await note(name, winners, params)
  await stillOurs()
}

const publications = (
  db: Database,
  fenced: Fenced,
): Pick<RecordStore, 'publish' | 'retire' | 'retireBatches' | 'electMissing'> => ({
  async publish(batches, seq) {
    const list = batches.map(({ batch }) => batch)
    await fenced.note('note-batches', noteBatches, {
      batches: list,
      seq,
      logs: batches.map(({ log }) => log),
      runs: batches.map(({ run }) => run),
      records: batches.map(({ records }) => records),
      // at most 1000 records of 5 * 10^12
      tokens: batches.map(({ tokens }) => Number(tokens ?? 0)),
      first: batches.map(({ firstPosition }) => firstPosition ?? 0),
      last: batches.map(({ lastPosition }) => lastPosition ?? 0),
      digests: batches.map(({ digest }) => digest),
    })
    await elect(fenced, 'publish', OF_SOME_BATCHES, { batches: list, seq })
  },
  async retire(logs, seq) {
    await fenced.note('mark-batches', markBatches("'retired'", OF_LOGS), { logs, seq })
    await elect(fenced, 'retire', OF_SOME_LOGS, { logs, seq })
  },
  async retireBatches(batches, seq) {
    await fenced.note('mark-batches', markBatches("'retired'", OF_BATCHES), { batches, seq })
    await elect(fenced, 'retire', OF_SOME_BATCHES, { batches, seq })
  },
  async electMissing(seq) {
    for (const slice of identitySlices(await sliceCount(db)))
      await elect(fenced, 'elect-missing', OF_MISSING, { seq, ...slice })
  },
})

const rollbacks = (
  db: Database,
  fenced: Fenced,
  { rebuildWinners }: Rebuilding,
): Pick<RecordStore, 'rollBack' | 'publishKept'> => ({
  async rollBack(kept, seq) {
    const state = kept === 'none' ? "'retired'" : `if(was = 'kept' OR ${OF_LOGS}, 'kept', 'retired')`
    await fenced.note('mark-batches', markBatches(state, `state != 'retired' AND ${OF_TRANSCRIPTS}`), {
      logs: kept === 'none' ? [] : kept,
      seq,
    })
    await rebuildWinners(seq)
    // cannot be fenced itself; what it drops is never used again, but by a backup that is given back
    for (const { run } of await db.query(emptyRuns)) {
      await fenced.stillOurs()
      await fenced.command('drop-run', `ALTER TABLE copies DROP PARTITION '${run}'`)
    }
    // nor this: what it deletes, the next publisher may have brought back
    await fenced.stillOurs()
    await fenced.command('delete-retired', DELETE_RETIRED)
  },
  async publishKept(seq) {
    await fenced.note('mark-batches', markBatches("'published'", "state = 'kept'"), { seq })
    await elect(fenced, 'publish-kept', OF_KEPT, { seq })
  },
})
