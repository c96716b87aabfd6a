import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Database } from '../../src/clickhouse/database.ts'
import { createPublishedEvidence } from '../../src/clickhouse/published-evidence.ts'
import { applySchemaChanges } from '../../src/clickhouse/schema-changes.ts'
import { EVERYTHING } from '../../src/domain/scope.ts'
import { groupsOf, type TokenAnswer } from '../../src/domain/token-query.ts'
import { ALL_CASES } from './all-cases.ts'
import { judgeByRule8, type Placed } from './rule-8.ts'
import { anything, batch, copy, NOTHING, openStore } from './store-records.ts'
import { totals } from './transcripts.ts'

/** Which copy counts in every store, whatever is published and taken back. */
export function winnersSuite(open: () => Promise<Database<string>>): void {
  const opened = () => openStore(open)

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

  test('what counts is what the rule says, whoever brought it in and whatever is published in whichever order', async () => {
    const { store, published } = await opened()
    const anyCopy = fc.record({
      id: fc.constantFrom('a', 'b', 'c'),
      user: fc.constantFrom('ann', 'bob', 'cid'),
      stamp: fc.integer({ min: 0, max: 5 }),
      time: fc.constantFrom(1000, 2000),
      input: fc.integer({ min: 0, max: 2 }),
      output: fc.integer({ min: 0, max: 2 }),
      sidechain: fc.boolean(),
      byMutation: fc.boolean(),
      path: fc.constantFrom('/p/Z.jsonl', '/p/😀.jsonl', '/p/\ue000.jsonl'),
      offset: fc.constantFrom(9, 10),
    })
    let batch = 0
    let seq = 0
    let world = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(anyCopy, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 }),
        async (batches) => {
          world++
          const all: Placed[] = []
          for (const one of batches) {
            batch++
            const records = one.map((more, i) =>
              copy({
                ...more,
                id: `${world} ${more.id}`,
                stamp: more.byMutation ? more.stamp : 0,
                position: i,
                project: `w${world}`,
                model: `${more.user} ${more.path}@${more.offset} journal:${batch} ${i}`,
              }),
            )
            all.push(...records.map((record) => ({ ...record, log: `journal:${batch}` })))
            // the segments of every second batch were shipped by another ledger, in another edition
            const log = batch % 2 === 0 ? `l/journal:${batch}#0` : `a/journal:${batch}#7`
            await store.write([{ batch, log, run: 'live', records }])
            await store.publish([{ batch, log, run: 'live', records: 0, digest: '' }], ++seq)
          }
          const { winners } = judgeByRule8(all)
          const [answer] = await published.answer(
            { queries: [{ filter: { projects: [`w${world}`] }, groupings: [] }], access: EVERYTHING },
            NOTHING,
          )
          const tally = (list: { model: string; tokens: number }[]): Record<string, number> => {
            const sums: Record<string, number> = {}
            for (const { model, tokens } of list) sums[model] = (sums[model] ?? 0) + tokens
            return sums
          }
          expect(
            tally((answer?.whole ?? []).map(({ model, input, output }) => ({ model, tokens: Number(input + output) }))),
          ).toEqual(tally([...winners.values()].map((one) => ({ model: one.model, tokens: one.input + one.output }))))
        },
      ),
      { numRuns: ALL_CASES ? 30 : 15 },
    )
  }, 400_000)

  test('where the log of whoever was first is retired, the next one owns; a copy that an earlier release shipped was before all', async () => {
    const { store, count } = await opened()
    const by = (user: string, stamp: number, input: number) => copy({ id: 'x', user, stamp, input, byMutation: true })
    const [ann, bob, old] = [
      batch(1, 'l/journal:1#0', 'live'),
      batch(2, 'l/journal:2#0', 'live'),
      batch(3, 'l/journal:0#0', 'live'),
    ]
    await store.write([
      { ...ann, records: [by('ann', 7, 5)] },
      { ...bob, records: [by('bob', 8, 9)] },
      { ...old, records: [by('cid', 0, 1)] },
    ])
    await store.publish([bob], 1)
    expect(await count()).toMatchObject({ input: 9, records: 1 })
    // whoever was first is so though it comes later
    await store.publish([ann], 2)
    expect(await count()).toMatchObject({ input: 5, records: 1 })
    await store.publish([old], 3)
    expect(await count()).toMatchObject({ input: 1, records: 1 })
    await store.retire([old.log], 4)
    await store.retireBatches([ann.batch], 5)
    expect(await count()).toMatchObject({ input: 9, records: 1 })
    await store.retire([bob.log], 6)
    expect(await count()).toMatchObject({ input: 0, records: 0 })
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
      const [answer] = await published.answer(
        { queries: [{ filter: {}, groupings: [['sidechain']] }], access: EVERYTHING },
        NOTHING,
      )
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
}
