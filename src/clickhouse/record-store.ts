import { z } from 'zod'
import { uuidOf } from '../domain/record-text.ts'
import type { RecordCopy } from '../domain/token-record.ts'
import type { BatchSummary, RecordStore } from '../ports/record-store.ts'
import type { Database } from './database.ts'
import { databaseId } from './statements/database-id.ts'
import { electWinners } from './statements/elect-winners.ts'
import { lastSeq } from './statements/last-seq.ts'
import { readBack } from './statements/read-back.ts'
import { retireBatches, retiredBatches } from './statements/retire-batches.ts'

/** The columns of `copies`, each with what a record has for it. */
const COLUMNS: [string, (record: RecordCopy) => unknown][] = [
  ['identity', (r) => uuidOf(r.identity)],
  ['position', (r) => r.position],
  ['time', (r) => new Date(r.time).toISOString()],
  ['session', (r) => r.session],
  ['project', (r) => r.project],
  ['model', (r) => r.model],
  ['user', (r) => r.user],
  ['host', (r) => r.host],
  ['input', (r) => r.input],
  ['output', (r) => r.output],
  ['cache_read', (r) => r.cacheRead],
  ['cache_creation_5m', (r) => r.cacheCreation5m],
  ['cache_creation_1h', (r) => r.cacheCreation1h],
  ['sidechain', (r) => r.sidechain],
  ['by_mutation', (r) => r.byMutation],
  ['path', (r) => r.path],
  ['offset', (r) => r.offset],
]

export function createRecordStore(db: Database): RecordStore {
  return {
    async id() {
      await db.command(
        'make-database-id',
        'INSERT INTO database_id SELECT generateUUIDv4() WHERE (SELECT count() FROM database_id) = 0',
      )
      const [row] = await db.query(databaseId)
      return z.string().parse(row?.id)
    },
    async lastSeq() {
      const [row] = await db.query(lastSeq)
      return row?.seq ?? 0
    },
    async write({ batch, log, run, records }) {
      const columns = ['log', 'batch', 'run', ...COLUMNS.map(([name]) => name)]
      const rows = records.map((record) => [log, batch, run, ...COLUMNS.map(([, cell]) => cell(record))])
      await db.insert('write-batch', 'copies', columns, rows)
    },
    async readBack(batches) {
      const rows = await db.query(readBack, { batches })
      return new Map(rows.map(({ batch, ...summary }) => [batch, summary satisfies BatchSummary]))
    },
    async publish(batches, seq) {
      await db.insert(
        'note-batches',
        'batches',
        ['batch', 'version', 'state', 'log', 'run'],
        batches.map(({ batch, log, run }) => [batch, seq, 'published', log, run]),
      )
      await db.command('publish', electWinners('{batches:Array(UInt64)}'), {
        batches: batches.map(({ batch }) => batch),
        seq,
      })
    },
    async retire(what, seq) {
      const { where, params } = retiredBatches(what)
      await db.command('retire-batches', retireBatches(where), { ...params, seq })
      await db.command('retire', electWinners(`(SELECT batch FROM batches FINAL WHERE ${where})`), { ...params, seq })
    },
  }
}
