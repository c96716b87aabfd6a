import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Database } from '../../src/clickhouse/database.ts'
import { EVERYTHING, type Scope, withinOneOf } from '../../src/domain/scope.ts'
import { bucketStarts } from '../../src/domain/time-buckets.ts'
import { contextTierOf, groupsOf, SLOT_MS, type TokenAnswer, type TokenFilter } from '../../src/domain/token-query.ts'
import type { RecordCopy } from '../../src/domain/token-record.ts'
import { ALL_CASES } from './all-cases.ts'
import { DAYS_OF_BERLIN, HOURS } from './bucketed.ts'
import { batch, copy, openStore } from './store-records.ts'

/** A quarter of an hour before midnight in Berlin. */
const START = Date.parse('2026-03-31T21:45:00Z')
const TIMES = [0, 1, SLOT_MS / 2, SLOT_MS - 1].flatMap((within) =>
  [0, 1, 2, 9].map((slot) => START + slot * SLOT_MS + within),
)
const ENDS = [...TIMES, START - 1, START + 100 * SLOT_MS]

const anyRecord = fc.record({
  time: fc.constantFrom(...TIMES),
  session: fc.constantFrom('s1', 's2', 's3'),
  project: fc.constantFrom('p', 'q'),
  user: fc.constantFrom('ann', 'bob'),
  model: fc.constantFrom('m1', 'm2'),
  branch: fc.constantFrom('', 'main'),
  sidechain: fc.boolean(),
  input: fc.constantFrom(1, 200_001, 300_000),
  output: fc.nat(9),
  path: fc.constantFrom('/p/a.jsonl', '/p/😀.jsonl', '/p/\ue000.jsonl'),
})
const anyEnd = fc.option(fc.constantFrom(...ENDS), { nil: undefined })
const anyFilter = fc.record(
  {
    from: anyEnd,
    to: anyEnd,
    projects: fc.constantFrom(['p'], ['q', 'r']),
    models: fc.constant(['m2']),
    sessionIds: fc.constant(['s1', 's3']),
    users: fc.constant(['bob']),
    branches: fc.constant(['main']),
    sidechain: fc.constantFrom(['true'], ['false']),
  },
  { requiredKeys: [] },
)
const anyAccess: fc.Arbitrary<readonly Scope[]> = fc.constantFrom(
  EVERYTHING,
  [],
  [{ users: ['ann'] }, { projects: ['q'], hosts: ['laptop'] }],
)

/** Of any part of what is published, answers are those of its records, one by one. */
export function rangesSuite(open: () => Promise<Database<string>>): void {
  test('an answer is that of the records one by one, of any range, filter and scope, and whatever is left out', async () => {
    const { db, store, published } = await openStore(open)
    let number = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyRecord, { minLength: 1, maxLength: 30 }),
        fc.array(
          fc.record({ filter: anyFilter, access: anyAccess, leaveOut: fc.option(fc.integer({ min: 2, max: 5 })) }),
          {
            minLength: 4,
            maxLength: 4,
          },
        ),
        async (some, questions) => {
          const one = batch(++number, `log-${number}`, 'live')
          const records = some.map((more, i) => copy({ ...more, id: `${number} ${i}`, position: i, offset: i }))
          await store.write([{ ...one, records }])
          await store.publish([one], 2 * number)
          for (const { filter, access, leaveOut } of questions) {
            const isLeft = (i: number): boolean => leaveOut !== null && i % leaveOut === 0
            const left = records.filter((_, i) => isLeft(i)).map(({ identity }) => Buffer.from(identity, 'hex'))
            const query = {
              filter: clean(filter),
              groupings: [[HOURS], ['project' as const, DAYS_OF_BERLIN], ['session' as const]],
              sessions: true,
            }
            const [answer] = await published.answer({ queries: [query], access }, Buffer.concat(left))
            const kept = records
              .filter((_, i) => !isLeft(i))
              .filter(withinOneOf(access))
              .filter(selects(query.filter))
            expect(told(answer as TokenAnswer)).toEqual(expected(kept))
          }
          await store.retire([one.log], 2 * number + 1)
        },
      ),
      { numRuns: ALL_CASES ? 15 : 8 },
    )
    // what was retired stays out of sight, and nothing but it is left
    expect(await openedCount(db)).toBe(0)
  }, 400_000)

  const openedCount = async (db: Database<string>): Promise<number> => {
    const sql = 'SELECT (SELECT count() FROM winners FINAL) + (SELECT count() FROM winners_summed FINAL) AS rows'
    const [row] = await db.query({ name: 'left', sql, row: { parse: (found: unknown) => found } as never })
    return Number((row as unknown as { rows: string }).rows)
  }
}

const clean = (filter: object): TokenFilter =>
  Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined))

const selects =
  ({ from, to, projects, models, sessionIds, users, branches, sidechain }: TokenFilter) =>
  (record: RecordCopy): boolean =>
    (from === undefined || record.time >= from) &&
    (to === undefined || record.time < to) &&
    [
      [projects, record.project],
      [models, record.model],
      [sessionIds, record.session],
      [users, record.user],
      [branches, record.branch],
      [sidechain, String(record.sidechain)],
    ].every(([list, value]) => list === undefined || (list as string[]).includes(value as string))

/** By name, the sums of each model and tier, as text. */
type Tally = Record<string, string>

function tally(
  list: readonly { name: string; model: string; tier: number; sums: readonly (number | bigint)[] }[],
): Tally {
  const sums = new Map<string, bigint[]>()
  for (const { name, model, tier, sums: more } of list) {
    const key = `${name} ${model} ${tier}`
    const known = sums.get(key) ?? more.map(() => 0n)
    sums.set(
      key,
      known.map((value, i) => value + BigInt(more[i] as number)),
    )
  }
  return Object.fromEntries([...sums].map(([key, values]) => [key, values.join(' ')]))
}

function expected(records: readonly RecordCopy[]): unknown {
  const by = (nameOf: (record: RecordCopy) => string): Tally =>
    tally(
      records.map((record) => ({
        name: nameOf(record),
        model: record.model,
        tier: contextTierOf(record.input),
        sums: [record.input, record.output, 1],
      })),
    )
  const times = records.map(({ time }) => time)
  const sessions = [...Map.groupBy(records, ({ session }) => session)].map(([id, ofOne]) => {
    const latest = ofOne
      .toSorted(
        (a, b) => a.time - b.time || Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)) || a.offset - b.offset,
      )
      .at(-1) as RecordCopy
    const startedAt = Math.min(...ofOne.map(({ time }) => time))
    return [id, latest.project, latest.user, startedAt, latest.time, latest.path, latest.offset].join(' ')
  })
  const [dayOf, hourOf] = [bucketStarts(DAYS_OF_BERLIN), bucketStarts(HOURS)]
  return {
    whole: by(() => ''),
    hours: by(({ time }) => String(hourOf(time))),
    days: by(({ project, time }) => `${project} ${dayOf(time)}`),
    ofSessions: by(({ session }) => session),
    sessions: sessions.toSorted(),
    range: records.length === 0 ? [undefined, undefined] : [Math.min(...times), Math.max(...times)],
    sessionCount: sessions.length,
  }
}

function told(answer: TokenAnswer): unknown {
  const flat = (groups: readonly { name: string; usage: TokenAnswer['whole'] }[]): Tally =>
    tally(
      groups.flatMap(({ name, usage }) =>
        usage.map(({ model, tier, input, output, records }) => ({ name, model, tier, sums: [input, output, records] })),
      ),
    )
  const groups = (grouping: Parameters<typeof groupsOf>[1]): Tally =>
    flat(
      groupsOf(answer, grouping).map(({ values, start, usage }) => ({
        name: [...values, ...(start === 0 ? [] : [start])].join(' '),
        usage,
      })),
    )
  const sessions = answer.sessions ?? []
  return {
    whole: flat([{ name: '', usage: answer.whole }]),
    hours: groups([HOURS]),
    days: groups(['project', DAYS_OF_BERLIN]),
    ofSessions: groups(['session']),
    sessions: sessions
      .map((one) =>
        [one.id, one.project, one.user, one.startedAt, one.lastActivityAt, one.latestPath, one.latestOffset].join(' '),
      )
      .toSorted(),
    range: [answer.firstAt, answer.lastAt],
    sessionCount: answer.sessionCount,
  }
}
