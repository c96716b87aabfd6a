import { z } from 'zod'
import { BridgeError } from '../domain/errors.ts'
import { describePublisher } from '../domain/publisher-name.ts'
import { TEXT_VERSION } from '../domain/record-text.ts'
import type { BatchSummary, RecordBatch, RecordStore } from '../ports/record-store.ts'
import type { Database, Params } from './database.ts'
import { sliceCount } from './slices.ts'
import { databaseId } from './statements/database-id.ts'
import { electMissingSlice, electSlice, electWinners } from './statements/elect-winners.ts'
import { currentFence } from './statements/fence.ts'
import { lastBatch, lastSeq } from './statements/last-seq.ts'
import { noteBatches } from './statements/note-batches.ts'
import { readBack } from './statements/read-back.ts'
import { DELETE_RETIRED, emptyRuns, makeNext, nextWinners, swapNext } from './statements/rebuild-winners.ts'
import { COPY_COLUMNS, cellsOf } from './statements/record-sql.ts'
import { markBatches, OF_BATCHES, OF_LOGS, OF_TRANSCRIPTS } from './statements/retire-batches.ts'

/** `epoch` is what `takeRightToPublish` gave; 0 where nobody else can publish. */
export function createRecordStore(db: Database, epoch = 0): RecordStore {
  const fenced = createFenced(db, epoch)
  return {
    ...numbersOf(db),
    ...writtenBatches(db),
    ...publications(db, fenced),
    ...rollbacks(db, fenced),
  }
}

/** Every statement that changes what readers see, or is on the way to it: the tests kill a server before and after each. */
export type PublishingStatement =
  | 'note-batches'
  | 'mark-batches'
  | 'publish'
  | 'retire'
  | 'publish-kept'
  | 'elect-missing'
  | 'elect-slice'
  | 'drop-winners-next'
  | 'make-winners-next'
  | 'swap-winners'
  | 'drop-old-winners'
  | 'drop-run'
  | 'delete-retired'

/** Statements that change what readers see, and that change nothing once somebody else has the right to publish. */
interface Fenced {
  /** Not fenced: readers see nothing of it, or the right is looked at before it. */
  command(name: PublishingStatement, sql: string, params?: Params): Promise<void>
  /** Says which batches count. To be followed by `elect`, which tells whether it came too late. */
  note(name: PublishingStatement, sql: string, params: Params): Promise<void>
  /** Chooses winners. A statement that comes too late inserts nothing and says nothing, so it is asked afterwards: throws CONFLICT. */
  elect(name: PublishingStatement, sql: string, params: Params): Promise<void>
  /** Chooses all winners anew, and shows them at once. */
  rebuildWinners(seq: number): Promise<void>
  /** Throws CONFLICT once somebody else has the right to publish. */
  stillOurs(): Promise<void>
}

function createFenced(db: Database, epoch: number): Fenced {
  const stillOurs = async (): Promise<void> => {
    const [current] = await db.query(currentFence)
    if (current !== undefined && current.epoch > epoch)
      throw new BridgeError('CONFLICT', `${describePublisher(current.holder)} publishes to this database now`)
  }
  const command: Fenced['command'] = (name, sql, params) => db.command(name, sql, params)
  const note: Fenced['note'] = (name, sql, params) => command(name, sql, { ...params, epoch })
  return {
    command,
    note,
    async elect(name, sql, params) {
      await note(name, sql, params)
      await stillOurs()
    },
    async rebuildWinners(seq) {
      for (const [name, sql] of makeNext(epoch)) await command(name, sql)
      const elect = electSlice(nextWinners(epoch))
      await eachSlice(db, (slice) => command('elect-slice', elect, { seq, ...slice }))
      await stillOurs()
      for (const [name, sql] of swapNext(epoch)) await command(name, sql)
    },
    stillOurs,
  }
}

/** All identities, in parts whose winners fit into memory. */
async function eachSlice(db: Database, use: (part: { slices: number; slice: number }) => Promise<void>): Promise<void> {
  const slices = await sliceCount(db)
  for (let slice = 0; slice < slices; slice++) await use({ slices, slice })
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

const ELECT_OF_BATCHES = electWinners('{batches:Array(UInt64)}')
const ELECT_OF_LOGS = electWinners(`(SELECT batch FROM batches FINAL WHERE ${OF_LOGS})`)

const publications = (
  db: Database,
  { note, elect, rebuildWinners }: Fenced,
): Pick<RecordStore, 'publish' | 'retire' | 'retireBatches' | 'electMissing' | 'rebuildWinners'> => ({
  async publish(batches, seq) {
    const list = batches.map(({ batch }) => batch)
    await note('note-batches', noteBatches, {
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
    await elect('publish', ELECT_OF_BATCHES, { batches: list, seq })
  },
  async retire(logs, seq) {
    await note('mark-batches', markBatches("'retired'", OF_LOGS), { logs, seq })
    await elect('retire', ELECT_OF_LOGS, { logs, seq })
  },
  async retireBatches(batches, seq) {
    await note('mark-batches', markBatches("'retired'", OF_BATCHES), { batches, seq })
    await elect('retire', ELECT_OF_BATCHES, { batches, seq })
  },
  electMissing: (seq) => eachSlice(db, (slice) => elect('elect-missing', electMissingSlice, { seq, ...slice })),
  rebuildWinners,
})

const rollbacks = (
  db: Database,
  { command, note, elect, rebuildWinners, stillOurs }: Fenced,
): Pick<RecordStore, 'rollBack' | 'publishKept'> => ({
  async rollBack(kept, seq) {
    const state = kept === 'none' ? "'retired'" : `if(was = 'kept' OR ${OF_LOGS}, 'kept', 'retired')`
    await note('mark-batches', markBatches(state, `state != 'retired' AND ${OF_TRANSCRIPTS}`), {
      logs: kept === 'none' ? [] : kept,
      seq,
    })
    await rebuildWinners(seq)
    // cannot be fenced itself; what it drops is never used again, but by a backup that is given back
    for (const { run } of await db.query(emptyRuns)) {
      await stillOurs()
      await command('drop-run', `ALTER TABLE copies DROP PARTITION '${run}'`)
    }
    // nor this: what it deletes, the next publisher may have brought back
    await stillOurs()
    await command('delete-retired', DELETE_RETIRED)
  },
  async publishKept(seq) {
    await note('mark-batches', markBatches("'published'", "state = 'kept'"), { seq })
    const again = "(SELECT batch FROM batches FINAL WHERE state = 'published' AND version = {seq:UInt64})"
    await elect('publish-kept', electWinners(again), { seq })
  },
})
