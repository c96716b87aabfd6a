import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Database } from '../../src/clickhouse/database.ts'
import { createFenced } from '../../src/clickhouse/fenced.ts'
import { createPublishedEvidence } from '../../src/clickhouse/published-evidence.ts'
import { createRecordStore } from '../../src/clickhouse/record-store.ts'
import { applySchemaChanges } from '../../src/clickhouse/schema-changes.ts'
import { areSumsFilled, fillSums } from '../../src/clickhouse/sums.ts'
import { EVERYTHING } from '../../src/domain/scope.ts'
import { SLOT_MS } from '../../src/domain/token-query.ts'
import type { RecordCopy } from '../../src/domain/token-record.ts'
import type { PublishedRecords, RecordStore } from '../../src/ports/record-store.ts'
import { ALL_CASES } from './all-cases.ts'
import { HOURS } from './bucketed.ts'
import { batch, copy, NOTHING, openStore } from './store-records.ts'

const NOON = Date.parse('2026-04-02T12:00:00Z')
/** A copy of one of few identities, in one of few slots and sessions. */
const anyCopy = fc.record({
  id: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
  time: fc.constantFrom(NOON, NOON + 1, NOON + SLOT_MS - 1, NOON + SLOT_MS, NOON + 5 * SLOT_MS),
  session: fc.constantFrom('s1', 's2'),
  model: fc.constantFrom('m1', 'm2'),
  input: fc.constantFrom(1, 2, 128_001, 300_000),
  sidechain: fc.boolean(),
})
type Step =
  | { kind: 'publish'; copies: (Partial<RecordCopy> & { id: string })[] }
  | { kind: 'retire' | 'retireBatch' | 'lose'; log: number }
  | { kind: 'rollBack'; kept: boolean }
  | { kind: 'publishKept' | 'electMissing' | 'rebuildWinners' | 'rebuildSums' }
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('publish' as const),
      copies: fc.array(anyCopy, { minLength: 1, maxLength: 5 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('retire' as const, 'retireBatch' as const, 'lose' as const),
      log: fc.nat(5),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('rollBack' as const), kept: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'publishKept' as const,
        'electMissing' as const,
        'rebuildWinners' as const,
        'rebuildSums' as const,
      ),
    }),
  },
)

/** Sums of what is published, and that they are those of the winners whatever happens. */
export function sumsSuite(open: () => Promise<Database<string>>): void {
  const opened = async () => {
    const world = await openStore(open)
    return { ...world, evidence: createPublishedEvidence(world.db) }
  }

  test('sums follow from the winners whatever is published and taken back, cut off before or after any statement and carried out again', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ step: anyStep, cutOff: fc.array(fc.nat(11), { maxLength: 2 }) }), {
          minLength: 1,
          maxLength: 7,
        }),
        async (steps) => {
          const { db, evidence } = await opened()
          const { cutOff, cuttable } = withCuts(db)
          const store = createRecordStore(cuttable)
          let seq = 0
          let batches = 0
          for (const { step, cutOff: cuts } of steps) {
            const apply = await change(db, store, step, () => ++batches)
            for (const after of [...cuts, undefined]) {
              cutOff(after)
              await apply(++seq).catch((error: Error) => expect(error.message).toBe('cut off'))
            }
            expect(await evidence.sumsDiffer()).toBe(false)
            expect(await evidence.sumsAreBehind()).toBe(false)
          }
        },
      ),
      { numRuns: ALL_CASES ? 8 : 5 },
    )
  }, 400_000)

  test('sums that were lost, changed or made up are noticed, and right again after they are made anew', async () => {
    const { db, store, count, evidence } = await opened()
    const records = Array.from({ length: 20 }, (_, i) =>
      copy({ id: `w${i}`, position: i, time: NOON + i * 200_000, input: i }),
    )
    await store.write([{ ...batch(1, 'a', 'live'), records }])
    await store.publish([batch(1, 'a', 'live')], 1)
    const before = await count()
    const where = `slot = ${NOON / SLOT_MS}`
    const harms: [harm: string, isBehind: boolean][] = [
      [`DELETE FROM winners_by_time WHERE ${where}`, true],
      [`DELETE FROM winners_summed WHERE ${where}`, true],
      ['TRUNCATE TABLE winners_summed', true],
      [
        `INSERT INTO winners_by_time SELECT * REPLACE (seq + 1 AS seq, 77 AS output) FROM winners_by_time FINAL WHERE ${where}`,
        false,
      ],
      [
        `INSERT INTO winners_summed SELECT * REPLACE (seq + 1 AS seq, 77 AS output) FROM winners_summed FINAL WHERE ${where}`,
        false,
      ],
      [
        `INSERT INTO winners_summed SELECT * REPLACE ('made up' AS session) FROM winners_summed FINAL WHERE ${where}`,
        true,
      ],
      // as by a release that knows of the winners alone
      ['INSERT INTO winners SELECT * REPLACE (seq + 65000000 AS seq, input + 1 AS input) FROM winners FINAL', true],
    ]
    for (const [i, [harm, isBehind]] of harms.entries()) {
      await db.command('harm', harm)
      expect([await evidence.sumsDiffer(), await evidence.sumsAreBehind()], harm).toEqual([true, isBehind])
      await store.rebuildSums((i + 1) * 10_000_000)
      expect([await evidence.sumsDiffer(), await evidence.sumsAreBehind()]).toEqual([false, false])
      expect((await count()).output).toEqual(before.output)
    }
  })

  test('winners of an earlier release are summed step by step, wherever that is cut off and whatever is published meanwhile, and answers are the same all the time', async () => {
    const { db, store, published, evidence } = await opened()
    const ofLog = (log: string, input: number) =>
      Array.from({ length: 30 }, (_, i) =>
        copy({ id: `f${i}`, position: i, time: NOON + (i % 10) * 400_000, session: `${log} ${i % 3}`, input }),
      )
    await store.write([{ ...batch(1, 'a', 'live'), records: ofLog('a', 1) }])
    await store.publish([batch(1, 'a', 'live')], 1)
    for (const table of ['winners_by_time', 'winners_summed', 'winners_filled'])
      await db.command('as-before', `DROP TABLE ${table} SYNC`)
    await db.command('as-before', 'ALTER TABLE schema_changes DELETE WHERE number >= 10 SETTINGS mutations_sync = 2')
    await applySchemaChanges(db)
    expect([await areSumsFilled(db), await evidence.sumsDiffer()]).toEqual([false, null])
    const { cutOff, cuttable } = withCuts(db)
    const answer = () => viewOf(published)
    let seq = 1
    let expected = await answer()
    for (let step = 0; ; step++) {
      cutOff(step % 3 === 0 ? step % 4 : undefined)
      const more = await fillSums(db, createFenced(cuttable, 0), ++seq, 4).catch(() => true)
      expect(await answer()).toEqual(expected)
      if (!more) break
      if (step === 2 || step === 9) {
        const next = batch(step, `b${step}`, 'live')
        await store.write([{ ...next, records: ofLog(`b${step}`, step).slice(step) }])
        await store.publish([next], ++seq)
        expected = await answer()
      }
      if (step === 12) {
        await store.retire(['b9'], ++seq)
        expected = await answer()
      }
    }
    expect([await areSumsFilled(db), await evidence.sumsDiffer(), await evidence.sumsAreBehind()]).toEqual([
      true,
      false,
      false,
    ])
    expect(await fillSums(db, createFenced(db, 0), ++seq)).toBe(false)
  })
}

/** A database that is cut off after so many statements: with an odd number, after the last of them was carried out. */
function withCuts(db: Database<string>): { cutOff(after: number | undefined): void; cuttable: Database<string> } {
  let left: number | undefined
  return {
    cutOff(after) {
      left = after
    },
    cuttable: {
      ...db,
      async command(...statement) {
        if (left !== undefined && left < 2) {
          if (left === 1) await db.command(...statement)
          throw new Error('cut off')
        }
        if (left !== undefined) left -= 2
        await db.command(...statement)
      },
    },
  }
}

/** What is carried out of a step, again and again. */
async function change(
  db: Database<string>,
  store: RecordStore,
  step: Step,
  nextBatch: () => number,
): Promise<(seq: number) => Promise<void>> {
  switch (step.kind) {
    case 'publish': {
      const number = nextBatch()
      const one = batch(number, `log-${number % 6}`, number % 2 === 0 ? 'run' : 'live')
      await store.write([{ ...one, records: step.copies.map((more, i) => copy({ ...more, position: i })) }])
      return (seq) => store.publish([one], seq)
    }
    case 'retire':
      return (seq) => store.retire([`log-${step.log}`], seq)
    case 'retireBatch':
      return (seq) => store.retireBatches([step.log], seq)
    case 'lose':
      // also where copies are gone, sums are those of the winners that are left
      await db.command('lose', `ALTER TABLE copies DELETE WHERE batch = ${step.log} SETTINGS mutations_sync = 2`)
      return async () => undefined
    case 'rollBack':
      return (seq) => store.rollBack(step.kept ? ['log-1', 'log-2'] : 'none', seq)
    default:
      return (seq) => store[step.kind](seq)
  }
}

async function viewOf(published: PublishedRecords): Promise<unknown> {
  const filter = { from: NOON + 1000, to: NOON + 2_000_000 }
  const queries = [
    { filter: {}, groupings: [[HOURS], ['session' as const]], countSessions: true },
    { filter, groupings: [[HOURS]], sessions: true },
  ]
  const answers = await published.answer({ queries, access: EVERYTHING }, NOTHING)
  return answers.map(({ whole, groups, sessions, ...rest }) => ({
    ...rest,
    whole: inOrder(whole),
    groups: Object.entries(groups).map(([name, list]) => [name, inOrder(list)]),
    sessions: inOrder(sessions ?? []),
  }))
}

const inOrder = (list: readonly unknown[]): string[] =>
  list.map((one) => JSON.stringify(one, (_, value) => (typeof value === 'bigint' ? String(value) : value))).toSorted()
