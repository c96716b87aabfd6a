import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Database } from '../../src/clickhouse/database.ts'
import { createJournalTable } from '../../src/clickhouse/journal-table.ts'
import { createPublishedEvidence } from '../../src/clickhouse/published-evidence.ts'
import { createRecordStore } from '../../src/clickhouse/record-store.ts'
import { takeRightToPublish } from '../../src/clickhouse/right-to-publish.ts'
import { applySchemaChanges, readSchemaChanges } from '../../src/clickhouse/schema-changes.ts'
import { TEXT_VERSION } from '../../src/domain/record-text.ts'
import { EVERYTHING } from '../../src/domain/scope.ts'
import type { RecordCopy } from '../../src/domain/token-record.ts'
import { describeFindings } from '../../src/migration/verification.ts'
import { readBackLike, summarize } from '../../src/shipping/batch-summary.ts'
import { ledgerSuite } from './ledger-suite.ts'
import { publishedAnswersSuite } from './published-answers-suite.ts'
import { rangesSuite } from './ranges-suite.ts'
import { openSides } from './sides.ts'
import { anything, batch, copy, openStore, WHOLE } from './store-records.ts'
import { sumsSuite } from './sums-suite.ts'
import { analysisOf, line, makeFolder, totals, writeTranscripts } from './transcripts.ts'
import { winnersSuite } from './winners-suite.ts'

/** What every store must do, whichever engine it is and whichever way leads to it. */
export function recordStoreSuite(open: () => Promise<Database<string>>): void {
  const opened = () => openStore(open)

  winnersSuite(open)
  publishedAnswersSuite(open)
  rangesSuite(open)
  sumsSuite(open)
  ledgerSuite(open)

  test('what is written is read back to the last byte, and nobody sees it before it is published', async () => {
    const { store, count } = await opened()
    const records = [
      copy({ id: 'a', input: 1_000_000_000_000, output: 7, cacheRead: 3, cacheCreation5m: 5, cacheCreation1h: 6 }),
      copy({ id: 'b', position: 5, session: 's-2', time: Date.parse('2261-12-31T23:59:59.999Z'), sidechain: true }),
      copy({
        id: 'c',
        position: 5,
        model: '<synthetic>',
        time: 0,
        byMutation: true,
        stamp: 1_775_121_303_120_007,
        offset: 2 ** 53 - 1,
      }),
    ]
    await store.write([{ batch: 1, log: 'log', run: 'live', records }])
    const found = await store.readBack([1, 2])
    expect([...found.keys()]).toEqual([1])
    expect(found.get(1)).toEqual(summarize('log', records))
    expect(await count()).toMatchObject({ records: 0 })
    await store.publish([batch(1, 'log', 'live')], 10)
    expect(await count()).toEqual({ input: 1_000_000_000_002, output: 7, cacheRead: 3, cacheCreation: 11, records: 3 })
    expect(await store.lastSeq()).toBe(10)
  })

  test('a record that was changed on the way is noticed', async () => {
    const { store } = await opened()
    const records = [copy({ id: 'a' }), copy({ id: 'b', position: 9 })]
    await store.write([{ batch: 1, log: 'log', run: 'live', records }])
    const held = (await store.readBack([1])).get(1)
    for (const changed of [
      { session: 's2' },
      { branch: 'b' },
      { input: 2 },
      { time: 1 },
      { path: '/x' },
      { sidechain: true },
      { stamp: 1 },
    ]) {
      expect(held).not.toEqual(
        summarize('log', [{ ...records[0], ...changed } as RecordCopy, records[1] as RecordCopy]),
      )
    }
    expect(held).not.toEqual(summarize('log', records.slice(1)))
    expect(held).not.toEqual(summarize('other', records))
  })

  test('copies that are not what was verified are told by batch', async () => {
    const { db, store } = await opened()
    const evidence = createPublishedEvidence(db)
    const batches = [1, 2, 3].map((number) => {
      const records = [copy({ id: `a${number}`, position: 7 }), copy({ id: `b${number}`, position: 9 })]
      const { digest } = summarize(`log${number}`, records)
      const places = { tokens: '2', firstPosition: 7, lastPosition: 9 }
      return { batch: number, log: `log${number}`, run: 'live', records, digest, ...places }
    })
    await store.write(batches)
    await store.publish(
      batches.map((one) => ({ ...one, records: one.records.length })),
      1,
    )
    expect(await evidence.damaged()).toEqual([])
    await db.command('lose', 'ALTER TABLE copies DELETE WHERE batch = 1 AND position = 9 SETTINGS mutations_sync = 2')
    await db.command('alter', "ALTER TABLE copies UPDATE session = 's9' WHERE batch = 2 SETTINGS mutations_sync = 2")
    await db.command(
      'add',
      'INSERT INTO copies SELECT * REPLACE (generateUUIDv4() AS identity) FROM copies WHERE batch = 3',
    )
    const places = { firstPosition: 7, lastPosition: 9, records: 2 }
    expect(await evidence.damaged()).toEqual([
      { batch: 1, log: 'log1', ...places, found: 1 },
      { batch: 2, log: 'log2', ...places, found: 2 },
      { batch: 3, log: 'log3', ...places, found: 4 },
    ])
  })

  test('batches are checked by digests of the version that they were published with', async () => {
    const { db, store } = await opened()
    const evidence = createPublishedEvidence(db)
    const later = `${TEXT_VERSION + 1}:${'0'.repeat(64)}`
    const batches = [1, 2, 3, 4].map((number) => {
      const records = [
        copy({ id: `a${number}`, position: 7, sidechain: true }),
        copy({ id: `b${number}`, position: 9 }),
      ]
      const digest = number === 4 ? later : summarize('log', records, number === 3 ? TEXT_VERSION : 1).digest
      return { batch: number, log: 'log', run: 'live', records, digest }
    })
    await store.write(batches)
    const published = batches.map((one) => ({ ...one, records: one.records.length }))
    await store.publish(published, 1)
    expect(await readBackLike(store, published.slice(0, 3))).toMatchObject(
      new Map(published.slice(0, 3).map(({ batch: number, digest }) => [number, { digest }])),
    )
    expect(await evidence.damaged()).toEqual([])
    expect(await evidence.intact(published)).toEqual(published.slice(0, 3))
    await db.command('alter', "ALTER TABLE copies UPDATE session = 's9' WHERE batch > 1 SETTINGS mutations_sync = 2")
    expect((await evidence.damaged()).map((damaged) => damaged.batch)).toEqual([2, 3])
    // a release that does not know the version cannot say
    expect(await evidence.intact(published)).toEqual(published.slice(0, 1))
  })

  test('whoever had the right to publish before writes rows that never count, and hears of it', async () => {
    const { db, count } = await opened()
    const first = createRecordStore(db, await takeRightToPublish(db, 'first'))
    await first.write([{ ...batch(1, 'a', 'live'), records: [copy({ id: 'x', input: 5 })] }])
    await first.publish([batch(1, 'a', 'live')], 1)
    const second = createRecordStore(db, await takeRightToPublish(db, 'second'))
    await first.write([{ ...batch(2, 'a', 'live'), records: [copy({ id: 'y', input: 70 })] }])
    const refused = { code: 'CONFLICT', message: expect.stringContaining('second') }
    await expect(first.publish([batch(2, 'a', 'live')], 2)).rejects.toMatchObject(refused)
    await expect(first.retire(['a'], 3)).rejects.toMatchObject(refused)
    await expect(first.rebuildWinners(4)).rejects.toMatchObject(refused)
    await expect(first.rollBack('none', 5)).rejects.toMatchObject(refused)
    await expect(first.publishKept(6)).rejects.toMatchObject(refused)
    expect(await count()).toMatchObject({ input: 5, records: 1 })
    await second.write([{ ...batch(3, 'a', 'live'), records: [copy({ id: 'z', input: 1 })] }])
    await second.publish([batch(3, 'a', 'live')], 7)
    expect(await count()).toMatchObject({ input: 6, records: 2 })
  })

  test('a corrupt row is found by reading back, and goes when its log is retired and shipped again, however it ranks', async () => {
    const { db, store, count } = await opened()
    const records = [copy({ id: 'x', input: 5 }), copy({ id: 'y', position: 9, input: 7 })]
    await store.write([{ batch: 1, log: 'a', run: 'live', records }])
    await store.publish([batch(1, 'a', 'live')], 1)
    // another value at the same place, of a higher rank
    await db.command(
      'corrupt',
      `INSERT INTO copies SELECT * REPLACE (1000 AS input) FROM copies WHERE batch = 1 AND position = 9`,
    )
    await db.command('merge', 'OPTIMIZE TABLE copies FINAL')
    await store.publish([batch(1, 'a', 'live')], 2)
    expect(await count()).toMatchObject({ input: 1005 })
    expect((await store.readBack([1])).get(1)).not.toEqual(summarize('a', records))
    await store.retire(['a'], 3)
    expect(await count()).toMatchObject({ records: 0 })
    await store.write([{ batch: 2, log: 'a#1', run: 'live', records }])
    expect((await store.readBack([2])).get(2)).toEqual(summarize('a#1', records))
    await store.publish([batch(2, 'a#1', 'live')], 4)
    expect(await count()).toMatchObject({ input: 12, records: 2 })
  })

  test('has one id for its life, and schema changes are applied once each and refused if edited later', async () => {
    const { db, store } = await opened()
    expect(await store.id()).toBe(await store.id())
    expect(await applySchemaChanges(db)).toBe(0)
    const changes = readSchemaChanges()
    const added = { number: changes.length + 1, name: 'more', sql: 'CREATE TABLE more (a UInt8) ENGINE = Memory;\n' }
    expect(await applySchemaChanges(db, [...changes, added])).toBe(1)
    await expect(applySchemaChanges(db, [...changes, { ...added, sql: `${added.sql} ` }])).rejects.toThrow('was edited')
    await expect(applySchemaChanges(db, changes)).rejects.toThrow('does not know')
  })

  test('schema changes before one that fails are known, and those that were cut off before they were noted are applied again', async () => {
    const { db } = await opened()
    const changes = readSchemaChanges()
    const made = { number: changes.length + 1, name: 'made', sql: 'CREATE TABLE made (a UInt8) ENGINE = Memory;\n' }
    const failing = { number: made.number + 1, name: 'failing', sql: 'ALTER TABLE nowhere ADD COLUMN a UInt8;\n' }
    await expect(applySchemaChanges(db, [...changes, made, failing])).rejects.toMatchObject({ code: 60 })
    expect(await applySchemaChanges(db, [...changes, made])).toBe(0)
    await db.command('cut-off', 'ALTER TABLE schema_changes DELETE WHERE true SETTINGS mutations_sync = 2')
    expect(await applySchemaChanges(db, [...changes, made])).toBe(made.number)
    expect(await applySchemaChanges(db, [...changes, made])).toBe(0)
  })

  test('errors are told by their code, and nothing of a failed statement is in the next answer', async () => {
    const { db } = await opened()
    const failing = {
      name: 'fails',
      sql: 'SELECT number, throwIf(number > 100000) FROM numbers(1000000)',
      row: anything,
    }
    for (let i = 0; i < 3; i++) {
      await expect(db.query(failing)).rejects.toMatchObject({ name: 'StatementError', code: 395, isAway: false })
      expect(await db.query({ name: 'next', sql: 'SELECT 1 AS one', row: anything })).toEqual([{ one: 1 }])
    }
    await expect(db.query({ name: 'unknown', sql: 'SELECT 1 FROM nowhere', row: anything })).rejects.toMatchObject({
      code: 60,
    })
    // statements at once, some of which fail
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) =>
        db.query(i % 3 === 0 ? failing : { name: 'n', sql: `SELECT ${i} AS n`, row: anything }),
      ),
    )
    results.forEach((result, i) => {
      if (i % 3 === 0) expect(result.status).toBe('rejected')
      else expect(result).toEqual({ status: 'fulfilled', value: [{ n: i }] })
    })
  })

  test('others have their turns while many rows are read', async () => {
    const { db } = await opened()
    let turns = 0
    let isRead = false
    const nextTurn = (): void => {
      turns++
      if (!isRead) setImmediate(nextTurn)
    }
    const read = new Set<number>()
    const row = {
      parse(found: unknown) {
        if (turns === 0) nextTurn()
        read.add(turns)
        return found
      },
    } as never
    const rows = await db.query({
      name: 'many',
      sql: 'SELECT number, randomPrintableASCII(100) FROM numbers(100000)',
      row,
    })
    isRead = true
    expect(rows).toHaveLength(100_000)
    expect(read.size).toBeGreaterThan(4)
  })

  test('what each instance told of its journal last counts, in whichever order it came, and the time is of the database', async () => {
    const table = createJournalTable(await open())
    const before = await table.look()
    expect(before.signs).toEqual([])
    expect(Math.abs(before.now - Date.now())).toBeLessThan(60_000)
    const own = { journal: 'j', instance: 'a' }
    const last = { ...own, beat: before.now + 7, pending: true, ended: false }
    await table.tell(last)
    await table.tell({ ...own, beat: before.now + 3, pending: false, ended: true })
    const other = { ...last, instance: "b's", beat: before.now + 1, pending: false }
    await table.tell(other)
    const { now, signs } = await table.look()
    expect(signs).toHaveLength(2)
    expect(signs).toEqual(expect.arrayContaining([last, other]))
    expect(now).toBeGreaterThanOrEqual(before.now)
  })

  test('hybrid, ClickHouse and the files answer the same', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, {
      'p/a.jsonl': [line({ id: 'msg_1' }), line({ id: 'msg_2', usage: { output_tokens: 9 } })],
      'q/b.jsonl': [line({ id: 'msg_2', sidechain: true }), line({ id: 'msg_3' })],
    })
    const analysis = analysisOf(folder)
    await analysis.refresh()
    const db = await open()
    const sides = await openSides({ analysis, db, ledgerPath: join(folder, 'ledger'), groupRecords: 1 })
    const [first] = analysis.shipping.catalogue()
    await sides.ship({ journal: false, transcripts: new Map([[first?.key ?? '', first?.to ?? 0]]) })
    const whole = async (source: 'legacy' | 'hybrid' | 'clickhouse') =>
      totals(
        (await sides[source].answer({ queries: [WHOLE], access: EVERYTHING, quality: false })).answers[0]?.whole ?? [],
      )
    expect(await whole('hybrid')).toEqual(await whole('legacy'))
    await sides.ship({ journal: true, transcripts: 'all' })
    expect(await whole('clickhouse')).toEqual(await whole('legacy'))
    expect(describeFindings(await sides.verify(true))).toBe('')
  })
}
