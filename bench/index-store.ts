// The index format beside SQLite (node:sqlite), with a million records: what ADR 0003 was decided by.
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openIndexFile } from '../src/enhanced-analysis/index/index-file.ts'
import { columnsOf, decodeFileUpdate, encodeFileUpdate } from '../src/enhanced-analysis/table/file-update.ts'
import { RecordTable } from '../src/enhanced-analysis/table/record-table.ts'
import type { TokenCopy } from '../src/transcripts/token-copy.ts'

const FILES = 1000

function copiesOf(file: number, perFile: number): TokenCopy[] {
  return Array.from({ length: perFile }, (_, i) => ({
    identity: `message:msg_${file}_${i}`,
    time: 1_775_000_000_000 + file * 1e6 + i * 1000,
    offset: i * 4000,
    total: 50_103,
    input: 3,
    output: 100,
    cacheRead: 50_000,
    cacheCreation5m: 0,
    cacheCreation1h: 0,
    sidechain: false,
    branch: 'main',
    model: `model-${i % 4}`,
    session: `session-${file}`,
  }))
}

export function benchIndexStore(records: number): void {
  const folder = mkdtempSync(join(tmpdir(), 'token-bridge-bench-'))
  const perFile = records / FILES
  const timed = (run: () => void): number => {
    const started = performance.now()
    run()
    return performance.now() - started
  }
  const header = (file: number) => ({
    key: `1:${file}`,
    path: `/p/${file}.jsonl`,
    root: '/',
    relativePath: `p/${file}.jsonl`,
    size: 1,
    modifiedNs: '1',
    from: 0,
    to: 1,
    fingerprint: { counted: 1, sha256: '' },
    copies: perFile,
    refused: {},
    tail: { copies: 0, records: 0, refused: {} },
    usesStem: false,
  })
  const own = join(folder, 'own.idx')
  const nothing = () => undefined
  const ownWrite = timed(() => {
    const { index } = openIndexFile(own, nothing, nothing)
    for (let file = 0; file < FILES; file++) {
      const { texts, records: columns } = columnsOf(copiesOf(file, perFile))
      index.append('update', encodeFileUpdate({ ...header(file), texts }, columns))
    }
    index.close()
  })
  const table = new RecordTable()
  const ownLoad = timed(() => {
    openIndexFile(own, (_kind, buffer, start) => table.apply(decodeFileUpdate(buffer, start)), nothing).index.close()
  })
  const sqlite = join(folder, 'sqlite.db')
  const db = new DatabaseSync(sqlite)
  db.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; CREATE TABLE copies (file INT, identity TEXT, time INT, offset INT, input INT, output INT, cache_read INT, c5 INT, c1 INT, sidechain INT, model TEXT, session TEXT, PRIMARY KEY (identity, file)) WITHOUT ROWID',
  )
  const insert = db.prepare('INSERT INTO copies VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
  const sqliteWrite = timed(() => {
    for (let file = 0; file < FILES; file++) {
      db.exec('BEGIN')
      for (const c of copiesOf(file, perFile))
        insert.run(
          file,
          c.identity,
          c.time,
          c.offset,
          c.input,
          c.output,
          c.cacheRead,
          c.cacheCreation5m,
          c.cacheCreation1h,
          0,
          c.model,
          c.session,
        )
      db.exec('COMMIT')
    }
  })
  let rows = 0
  const sqliteLoad = timed(() => {
    for (const _row of db.prepare('SELECT * FROM copies').iterate()) rows++
  })
  const sqliteSum = timed(
    () =>
      void db
        .prepare('SELECT model, session, sum(input), sum(output), sum(cache_read) FROM copies GROUP BY model, session')
        .all(),
  )
  db.close()
  const mb = (path: string) => (statSync(path).size / 1e6).toFixed(0)
  process.stdout.write(
    `\nindex of ${records} records in ${FILES} files (${table.winners} and ${rows} read back)\n` +
      `  own frames: write ${ownWrite.toFixed(0)} ms, load and merge ${ownLoad.toFixed(0)} ms, ${mb(own)} MB\n` +
      `  SQLite:     write ${sqliteWrite.toFixed(0)} ms, read all ${sqliteLoad.toFixed(0)} ms (not merged), one grouped sum ${sqliteSum.toFixed(0)} ms, ${mb(sqlite)} MB\n`,
  )
  rmSync(folder, { recursive: true })
}
