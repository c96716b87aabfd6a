import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Database } from '../../src/clickhouse/database.ts'
import { createPublishedEvidence } from '../../src/clickhouse/published-evidence.ts'
import { createPublishedRecords } from '../../src/clickhouse/published-records.ts'
import { createRecordStore } from '../../src/clickhouse/record-store.ts'
import { takeRightToPublish } from '../../src/clickhouse/right-to-publish.ts'
import { applySchemaChanges, readSchemaChanges } from '../../src/clickhouse/schema-changes.ts'
import { identityDigest } from '../../src/domain/identity.ts'
import { outranks } from '../../src/domain/rank.ts'
import { TEXT_VERSION } from '../../src/domain/record-text.ts'
import { GRANULARITIES } from '../../src/domain/time-buckets.ts'
import { groupsOf, SLOT_MS, type TokenAnswer } from '../../src/domain/token-query.ts'
import type { RecordCopy } from '../../src/domain/token-record.ts'
import { describeFindings } from '../../src/migration/verification.ts'
import { readBackLike, summarize } from '../../src/shipping/batch-summary.ts'
import { createTurns } from '../../src/turns/in-turn.ts'
import { bucketSlots, DAYS_OF_BERLIN } from './bucketed.ts'
import { openSides } from './sides.ts'
import { analysisOf, line, makeFolder, totals, writeTranscripts } from './transcripts.ts'

export const copy = (more: Partial<RecordCopy> & { id: string }): RecordCopy => {
  const { id, ...rest } = more
  return {
    identity: identityDigest(id),
    time: Date.parse('2026-04-02T09:15:03.120Z'),
    session: 's1',
    project: "p's \\ project\t日本",
    model: 'm1',
    user: 'ann',
    host: 'laptop',
    branch: '',
    input: 1,
    output: 0,
    cacheRead: 0,
    cacheCreation5m: 0,
    cacheCreation1h: 0,
    sidechain: false,
    byMutation: false,
    position: 0,
    path: '/p/a.jsonl',
    offset: 0,
    ...rest,
  }
}
const NOTHING = new Uint8Array(0)
/** A batch as it is published, where its evidence does not matter. */
export const batch = (number: number, log: string, run: string) => ({ batch: number, log, run, records: 0, digest: '' })
export const WHOLE = { filter: {}, groupings: [] }

export const anything = { parse: (row: unknown) => row } as never

/** What every store must do, whichever engine it is and whichever way leads to it. */
export function recordStoreSuite(open: () => Promise<Database>): void {
  const opened = async () => {
    const db = await open()
    const published = createPublishedRecords(db)
    const count = async () => totals((await published.answer([WHOLE], NOTHING))[0]?.whole ?? [])
    return { db, store: createRecordStore(db), published, count }
  }

  test('what is written is read back to the last byte, and nobody sees it before it is published', async () => {
    const { store, count } = await opened()
    const records = [
      copy({ id: 'a', input: 1_000_000_000_000, output: 7, cacheRead: 3, cacheCreation5m: 5, cacheCreation1h: 6 }),
      copy({ id: 'b', position: 5, session: 's-2', time: Date.parse('2261-12-31T23:59:59.999Z'), sidechain: true }),
      copy({ id: 'c', position: 5, model: '<synthetic>', time: 0, byMutation: true, offset: 2 ** 53 - 1 }),
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

  test('a filter selects by any name, whatever it looks like', async () => {
    const { store, published } = await opened()
    const names = [
      '\0',
      'a\0b',
      '\t',
      '\r\n',
      "'",
      '"',
      '\\',
      '\\N',
      '\\0',
      '%00',
      '+',
      '&=',
      '{m:String}',
      '\x7f',
      '\u2028',
      '',
    ]
    const records = names.map((model, i) => copy({ id: `m${i}`, position: i, model, input: 2 ** i }))
    await store.write([{ batch: 1, log: 'log', run: 'live', records }])
    await store.publish([batch(1, 'log', 'live')], 10)
    const queries = names.map((name) => ({ filter: { models: [name, 'no such name'] }, groupings: [] }))
    const answers = await published.answer(queries, NOTHING)
    expect(answers.map(({ whole }) => whole.map(({ model, input }) => [model, Number(input)]))).toEqual(
      names.map((name, i) => [[name, 2 ** i]]),
    )
    const [all] = await published.answer([{ filter: { models: names }, groupings: [] }], NOTHING)
    expect(totals(all?.whole ?? [])).toMatchObject({ input: 2 ** names.length - 1, records: names.length })
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
    ]) {
      expect(held).not.toEqual(
        summarize('log', [{ ...records[0], ...changed } as RecordCopy, records[1] as RecordCopy]),
      )
    }
    expect(held).not.toEqual(summarize('log', records.slice(1)))
    expect(held).not.toEqual(summarize('other', records))
  })

  test('publishing again changes nothing; a batch that was never published never counts', async () => {
    const { store, count } = await opened()
    await store.write([{ batch: 1, log: 'a', run: 'live', records: [copy({ id: 'x', input: 5 })] }])
    await store.write([
      { batch: 2, log: 'b', run: 'live', records: [copy({ id: 'x', input: 900 }), copy({ id: 'y' })] },
    ])
    const first = batch(1, 'a', 'live')
    await store.publish([first], 1)
    await store.publish([first], 2)
    await store.publish([first], 3)
    expect(await count()).toMatchObject({ input: 5, records: 1 })
  })

  test('a log that is retired counts no more, and what it hid comes out again', async () => {
    const { store, count } = await opened()
    await store.write([{ batch: 1, log: 'a', run: 'live', records: [copy({ id: 'x', input: 5 })] }])
    await store.write([{ batch: 2, log: 'b', run: 'm', records: [copy({ id: 'x', input: 9 }), copy({ id: 'y' })] }])
    await store.publish([batch(1, 'a', 'live')], 1)
    await store.publish([batch(2, 'b', 'm')], 2)
    expect(await count()).toMatchObject({ input: 10, records: 2 })
    await store.retire(['b'], 3)
    await store.retire(['b', 'unknown'], 4)
    expect(await count()).toMatchObject({ input: 5, records: 1 })
    await store.write([{ batch: 3, log: 'b#1', run: 'live', records: [copy({ id: 'y', input: 2 })] }])
    await store.publish([batch(3, 'b#1', 'live')], 5)
    expect(await count()).toMatchObject({ input: 7, records: 2 })
  })

  test('a rollback takes out what came from transcripts, keeps the journal and what is archived, and a later run starts afresh', async () => {
    const { db, store, count } = await opened()
    const live = batch(1, 'l/journal:1#0', 'live')
    await store.write([{ ...live, records: [copy({ id: 'x', input: 3, byMutation: true })] }])
    await store.publish([live], 1)
    const first = batch(2, 'l/1:2#0', 'run-1')
    await store.write([{ ...first, records: [copy({ id: 'x', input: 8 }), copy({ id: 'y', position: 9 })] }])
    const later = batch(3, 'l/1:2#0', 'live')
    await store.write([{ ...later, records: [copy({ id: 'later' })] }])
    const archived = batch(4, 'l/1:3#0', 'run-1')
    await store.write([{ ...archived, records: [copy({ id: 'gone', input: 50 })] }])
    await store.publish([first, later, archived], 2)
    expect(await count()).toMatchObject({ input: 60, records: 4 })
    for (const seq of [3, 4]) {
      await store.rollBack(['l/1:3#0'], seq)
      expect(await count()).toMatchObject({ input: 3, records: 1 })
    }
    const copies = async () =>
      db.query({ name: 'copies', sql: 'SELECT count() AS n FROM copies', row: anything }) as Promise<{ n: string }[]>
    expect(await copies()).toEqual([{ n: '2' }])
    expect(await store.lastSeq()).toBe(4)
    await store.publishKept(5)
    await store.publishKept(6)
    expect(await count()).toMatchObject({ input: 53, records: 2 })
    const second = batch(5, 'l/1:2#1', 'run-2')
    await store.write([{ ...second, records: [copy({ id: 'x', input: 8 }), copy({ id: 'y', position: 9 })] }])
    await store.publish([second], 7)
    expect(await count()).toMatchObject({ input: 59, records: 3 })
    await store.rollBack('none', 8)
    await store.publishKept(9)
    expect(await count()).toMatchObject({ input: 3, records: 1 })
    expect(await copies()).toEqual([{ n: '1' }])
  })

  test('winners that were lost, changed or made up are noticed, and right again after they are chosen anew', async () => {
    const { db, store, count } = await opened()
    const evidence = createPublishedEvidence(db)
    const records = Array.from({ length: 20 }, (_, i) => copy({ id: `w${i}`, position: i, input: i }))
    await store.write([{ ...batch(1, 'a', 'live'), records }])
    await store.publish([batch(1, 'a', 'live')], 1)
    const before = await count()
    expect(await evidence.winnersDiffer()).toBe(false)
    for (const [i, harm] of [
      'ALTER TABLE winners DELETE WHERE position = 3 SETTINGS mutations_sync = 2',
      'INSERT INTO winners SELECT * REPLACE (seq + 1 AS seq, 77 AS output) FROM winners FINAL WHERE position = 4',
      "INSERT INTO winners SELECT * REPLACE (seq + 1 AS seq, 's9' AS session) FROM winners FINAL WHERE position = 4",
      'INSERT INTO winners SELECT * REPLACE (generateUUIDv4() AS identity) FROM winners FINAL WHERE position = 5',
    ].entries()) {
      await db.command('harm', harm)
      expect(await evidence.winnersDiffer()).toBe(true)
      await store.rebuildWinners(1000 + i)
      expect(await evidence.winnersDiffer()).toBe(false)
      expect(await count()).toEqual(before)
    }
  })

  test('of equal copies in several logs it is always the same one that wins', async () => {
    const { db, store } = await opened()
    const evidence = createPublishedEvidence(db)
    const records = Array.from({ length: 200 }, (_, i) => copy({ id: `same${i}`, position: i }))
    for (const [i, log] of ['b', 'c', 'a', 'd'].entries()) {
      await store.write([{ ...batch(i + 1, log, 'live'), records }])
      await store.publish([batch(i + 1, log, 'live')], i + 1)
      expect(await evidence.winnersDiffer()).toBe(false)
    }
    // in another order on disk
    await db.command('merge', 'OPTIMIZE TABLE copies FINAL')
    expect(await evidence.winnersDiffer()).toBe(false)
    await store.rebuildWinners(10)
    expect(await evidence.winnersDiffer()).toBe(false)
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

  test('sums that would wrap in 64 bits do not', async () => {
    const { db, count } = await opened()
    await db.command(
      'plant',
      `INSERT INTO winners (identity, seq, input) SELECT generateUUIDv4(), 1, 10000000000000000000 FROM numbers(3)`,
    )
    expect((await count()).records).toBe(3)
    const [answer] = await createPublishedRecords(db).answer([WHOLE], NOTHING)
    expect(answer?.whole[0]?.input).toBe(30_000_000_000_000_000_000n)
  })

  test('the winner is the same in SQL and in memory, whatever is published in whichever order', async () => {
    const { store, published } = await opened()
    const rank = fc.record({
      id: fc.constantFrom('a', 'b', 'c'),
      time: fc.constantFrom(1000, 2000),
      input: fc.integer({ min: 0, max: 2 }),
      output: fc.integer({ min: 0, max: 2 }),
      sidechain: fc.boolean(),
      byMutation: fc.boolean(),
      path: fc.constantFrom('/p/a.jsonl', '/p/Z.jsonl', '/p/é.jsonl', '/p/😀.jsonl', '/p/\ue000.jsonl'),
      offset: fc.constantFrom(0, 9, 10),
    })
    let batch = 0
    let seq = 0
    let world = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(rank, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 }),
        async (batches) => {
          world++
          const all: RecordCopy[] = []
          for (const one of batches) {
            batch++
            const records = one.map((more, i) =>
              copy({
                ...more,
                id: `${world} ${more.id}`,
                position: i,
                project: `w${world}`,
                model: `${more.path}@${more.offset}`,
              }),
            )
            all.push(...records)
            await store.write([{ batch, log: `log ${batch}`, run: 'live', records }])
            await store.publish([{ batch, log: `log ${batch}`, run: 'live', records: 0, digest: '' }], ++seq)
          }
          const winners = new Map<string, RecordCopy>()
          const total = (r: RecordCopy) => r.input + r.output
          for (const record of all) {
            const best = winners.get(record.identity)
            if (best === undefined || outranks({ ...record, total: total(record) }, { ...best, total: total(best) }))
              winners.set(record.identity, record)
          }
          const [answer] = await published.answer([{ filter: { projects: [`w${world}`] }, groupings: [] }], NOTHING)
          const tally = (list: { model: string; tokens: number }[]): Record<string, number> => {
            const sums: Record<string, number> = {}
            for (const { model, tokens } of list) sums[model] = (sums[model] ?? 0) + tokens
            return sums
          }
          expect(
            tally((answer?.whole ?? []).map(({ model, input, output }) => ({ model, tokens: Number(input + output) }))),
          ).toEqual(tally([...winners.values()].map((record) => ({ model: record.model, tokens: total(record) }))))
        },
      ),
      { numRuns: 25 },
    )
  }, 400_000)

  test('leaves out identities, few by parameter and many by a table, and drops the table', async () => {
    const { db, store, published } = await opened()
    const records = Array.from({ length: 1000 }, (_, i) => copy({ id: `r${i}`, position: i }))
    await store.write([{ batch: 1, log: 'a', run: 'live', records }])
    await store.publish([batch(1, 'a', 'live')], 1)
    for (const count of [1, 500, 501, 999]) {
      const excluded = Buffer.concat(records.slice(0, count).map(({ identity }) => Buffer.from(identity, 'hex')))
      const [answer] = await published.answer([WHOLE], excluded)
      expect(totals(answer?.whole ?? []).records).toBe(1000 - count)
    }
    const tables = await db.query({
      name: 'tables',
      sql: "SELECT name FROM system.tables WHERE name LIKE 'excluded_%'",
      row: anything,
    })
    expect(tables).toEqual([])
  })

  test('what was elected before readers could tell sidechains apart says it once the database is brought up to date', async () => {
    const { db, store, published } = await opened()
    const evidence = createPublishedEvidence(db)
    const records = Array.from({ length: 6 }, (_, i) => copy({ id: `s${i}`, position: i, sidechain: i % 3 === 0 }))
    const again = [copy({ id: 's0', position: 9 }), copy({ id: 's7', position: 9, sidechain: true })]
    await store.write([
      { ...batch(1, 'a', 'live'), records },
      { ...batch(2, 'b', 'live'), records: again },
    ])
    await store.publish([batch(1, 'a', 'live'), batch(2, 'b', 'live')], 1)
    const bySidechain = async () => {
      const [answer] = await published.answer([{ filter: {}, groupings: [['sidechain']] }], NOTHING)
      return Object.fromEntries(
        groupsOf(answer as TokenAnswer, ['sidechain']).map(({ values, usage }) => [values[0], totals(usage).records]),
      )
    }
    // s0 has a copy of the main chain, which wins
    const expected = { false: 5, true: 2 }
    expect(await bySidechain()).toEqual(expected)
    await db.command('as-before', 'ALTER TABLE winners DROP COLUMN sidechain')
    await db.command('as-before', 'ALTER TABLE schema_changes DELETE WHERE number >= 3 SETTINGS mutations_sync = 2')
    await applySchemaChanges(db)
    expect(await bySidechain()).toEqual(expected)
    expect(await evidence.winnersDiffer()).toBe(false)
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

  test('errors are told by their code, and nothing of a failed statement is in the next answer', async () => {
    const { db } = await opened()
    const failing = {
      name: 'fails',
      sql: 'SELECT number, throwIf(number > 100000) FROM numbers(1000000)',
      row: anything,
    }
    for (let i = 0; i < 3; i++) {
      await expect(db.query(failing)).rejects.toMatchObject({ name: 'StatementError', code: 395, retryable: false })
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

  test('an answer of more sums than one may have is refused, over all its parts, before they are read', async () => {
    const { db } = await opened()
    const half = 20
    const published = createPublishedRecords(db, 2 * half)
    const fill = (from: number, count: number) =>
      db.command(
        'fill',
        `INSERT INTO winners (identity, session, project, model, user, host, path, time)
         SELECT generateUUIDv4(), toString(number), 'p', 'm', 'u', 'h', '/p', now64(3) FROM numbers(${from}, ${count})`,
      )
    const bySession = { filter: {}, groupings: [], sessions: true }
    // one sum is of the whole
    await fill(0, half - 1)
    const answers = await published.answer([bySession, bySession], NOTHING)
    expect(answers.map(({ sessionCount }) => sessionCount)).toEqual([half - 1, half - 1])
    const tooMuch = { name: 'BridgeError', code: 'QUERY_TOO_EXPENSIVE' }
    await expect(published.answer([bySession, bySession, WHOLE], NOTHING)).rejects.toMatchObject(tooMuch)
    await fill(half, half + 1)
    await expect(published.answer([bySession], NOTHING)).rejects.toMatchObject(tooMuch)
    expect(await db.query({ name: 'next', sql: 'SELECT number FROM numbers(50)', row: anything })).toHaveLength(50)
    expect((await published.answer([{ ...WHOLE, countSessions: true }], NOTHING))[0]?.sessionCount).toBe(2 * half)
  })

  test('an answer about days has a sum for each day, whatever the zone and however far from today', async () => {
    const { db, published } = await opened()
    const zone = 'Australia/Lord_Howe'
    const times = ['2025-10-04T15:15:00Z', '1999-03-01T10:00:00Z', '2261-12-31T20:00:00Z'].map((text) =>
      Date.parse(text),
    )
    // every slot of the days around, among them one with a change of clocks by half an hour
    const slots = times.flatMap((time) => Array.from({ length: 300 }, (_, i) => time + (i - 150) * SLOT_MS))
    await db.command(
      'fill',
      `INSERT INTO winners (identity, session, project, model, user, host, path, time)
       SELECT generateUUIDv4(), 's', 'p', 'm', 'u', 'h', '/p', fromUnixTimestamp64Milli([${slots.join(', ')}][number + 1])
       FROM numbers(${slots.length})`,
    )
    const statements: number[] = []
    const counted = createPublishedRecords({
      ...db,
      async query(statement, params) {
        const rows = await db.query(statement, params)
        statements.push(rows.length)
        return rows
      },
    })
    for (const granularity of GRANULARITIES) {
      const buckets = { granularity, timeZone: zone }
      const [answer] = await published.answer([{ filter: {}, groupings: [[buckets]] }], NOTHING)
      const expected = bucketSlots(
        slots.map((start) => ({ start })),
        granularity,
        zone,
      ).map(({ start, slots }) => [start, BigInt(slots.length)])
      const found = groupsOf(answer as TokenAnswer, [buckets])
        .map(({ start, usage }) => [start, usage.reduce((sum, { records }) => sum + records, 0n)] as const)
        .sort(([a], [b]) => a - b)
      expect(found).toEqual(expected)
    }
    const aroundNow = {
      filter: { from: Date.UTC(2025, 0, 1), to: Date.UTC(2026, 0, 1) },
      groupings: [[DAYS_OF_BERLIN]],
    }
    await counted.answer([aroundNow], NOTHING)
    // and one of the whole
    expect(statements).toEqual([4 + 1])
  })

  test('each statement of an answer has a turn of its own: a short question does not wait for a long list of them', async () => {
    const { published } = await opened()
    const turns = createTurns({ atOnce: 1 })
    const ended: string[] = []
    const ask = async (caller: string, questions: number): Promise<void> => {
      const queries = Array.from({ length: questions }, (_, i) => ({ filter: { from: i }, groupings: [] }))
      await published.answer(queries, NOTHING, (run) => turns(caller, run))
      ended.push(caller)
    }
    await Promise.all([ask('ann', 20), ask('bob', 1)])
    expect(ended).toEqual(['bob', 'ann'])
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
      totals((await sides[source].answer({ queries: [WHOLE], quality: false })).answers[0]?.whole ?? [])
    expect(await whole('hybrid')).toEqual(await whole('legacy'))
    await sides.ship({ journal: true, transcripts: 'all' })
    expect(await whole('clickhouse')).toEqual(await whole('legacy'))
    expect(describeFindings(await sides.verify(true))).toBe('')
  })
}
