import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { outranks } from '../../../../src/domain/rank.ts'
import { EVERYTHING } from '../../../../src/domain/scope.ts'
import type { TokenAnswer, TokenQuery } from '../../../../src/domain/token-query.ts'
import { aggregate, aggregating } from '../../../../src/enhanced-analysis/table/aggregate.ts'
import { decodeFileUpdate } from '../../../../src/enhanced-analysis/table/file-update.ts'
import { RecordTable } from '../../../../src/enhanced-analysis/table/record-table.ts'
import type { TokenCopy } from '../../../../src/transcripts/token-copy.ts'
import { HOURS } from '../../../support/bucketed.ts'
import { anyCopy, copy, encode } from '../../../support/file-updates.ts'

const owner = () => ({ user: 'ann', host: 'laptop' })

const apply = (table: RecordTable, encoded: ArrayBuffer) => table.apply(decodeFileUpdate(encoded))
const QUERY: TokenQuery = {
  filter: {},
  groupings: [['project'], ['user'], [HOURS], ['session', HOURS]],
  sessions: true,
}
const answer = (table: RecordTable) => aggregate(table, QUERY)
/** By everything that a row says of its record. */
const EVERY_AXIS: TokenQuery[] = [
  { ...QUERY, groupings: [['project'], [HOURS], ['session', 'sidechain', HOURS]] },
  { filter: { sidechain: ['true'], models: ['m1'] }, groupings: [['sidechain']] },
]
/** More rows than there is room for: the columns grow. */
const crowd = (path: string): ArrayBuffer =>
  encode(
    path,
    Array.from({ length: 200 }, (_, i) =>
      copy({ identity: `${path} ${i}`, session: `s${i % 4}`, sidechain: i % 2 === 0 }),
    ),
  )

/** A file's own winners, as a scan hands them over. */
function winnersOf(copies: TokenCopy[]): TokenCopy[] {
  const best = new Map<string, TokenCopy>()
  for (const one of copies) {
    const known = best.get(one.identity)
    if (known === undefined || outranks(one, known)) best.set(one.identity, one)
  }
  return [...best.values()]
}

describe('the record table', () => {
  const files = fc.array(fc.array(anyCopy, { maxLength: 8 }).map(winnersOf), { minLength: 1, maxLength: 6 })
  const sorted = (table: RecordTable) => {
    const { whole, groups, sessions, ...rest } = answer(table)
    const order = (list: unknown[] | undefined) =>
      list
        ?.map((item) =>
          JSON.stringify(item, (_k, v) =>
            typeof v === 'bigint'
              ? `${v}`
              : Array.isArray(v)
                ? v.map((x) => JSON.stringify(x, (_j, w) => (typeof w === 'bigint' ? `${w}` : w))).sort()
                : v,
          ),
        )
        .sort()
    return {
      ...rest,
      whole: order(whole),
      groups: Object.fromEntries(Object.entries(groups).map(([by, list]) => [by, order(list)])),
      sessions: order(sessions),
    }
  }

  test('is summed as it was when the summing began, whatever changes before it ends', () => {
    const path = fc.constantFrom('p/a.jsonl', 'p/b.jsonl', 'q/c.jsonl')
    const change = fc.oneof(
      {
        weight: 3,
        arbitrary: fc.record({ path, copies: fc.array(anyCopy, { maxLength: 8 }).map(winnersOf), fresh: fc.boolean() }),
      },
      { weight: 1, arbitrary: fc.record({ path, forget: fc.constant(true as const) }) },
      {
        weight: 1,
        arbitrary: fc.record({ path: fc.constantFrom('q/d.jsonl', 'q/e.jsonl'), many: fc.constant(true as const) }),
      },
      { weight: 1, arbitrary: fc.record({ path, renamed: fc.constantFrom('p/x.jsonl', 'r/y.jsonl') }) },
    )
    type Change = typeof change extends fc.Arbitrary<infer T> ? T : never
    const make = (table: RecordTable, one: Change): void => {
      const known = table.file(one.path)
      if ('forget' in one) table.forget(one.path)
      else if ('many' in one) apply(table, crowd(one.path))
      else if ('renamed' in one) table.rename(one.path, `/${one.renamed}`, '/', one.renamed)
      else {
        const from = one.fresh || known === undefined ? 0 : known.counted
        const relativePath = known?.relativePath ?? one.path
        apply(table, encode(one.path, one.copies, { from, to: from + 10, relativePath, path: `/${relativePath}` }))
      }
    }
    fc.assert(
      fc.property(
        fc.array(change, { maxLength: 8 }),
        fc.array(fc.record({ change, steps: fc.nat(3), ends: fc.boolean() }), { minLength: 1, maxLength: 12 }),
        fc.constantFrom(...EVERY_AXIS),
        (before, after, query) => {
          const table = new RecordTable(owner)
          for (const one of before) make(table, one)
          const begin = () => {
            const snapshot = table.snapshot()
            const work = aggregating({ table, snapshot, access: EVERYTHING }, query)
            const expected = aggregate(table, query)
            let answered: TokenAnswer | undefined
            const step = (): boolean => {
              const { done, value } = answered === undefined ? work.next() : { done: true, value: answered }
              if (done === true) answered = value as TokenAnswer
              return done === true
            }
            const end = (): void => {
              while (!step());
              expect(answered).toEqual(expected)
              snapshot.close()
            }
            return { step, end }
          }
          const begun = [begin()]
          for (const { change: one, steps, ends } of after) {
            for (let i = 0; i < steps; i++) for (const { step } of begun.slice(i % 2)) step()
            make(table, one)
            if (ends) begun.shift()?.end()
            begun.push(begin())
          }
          for (const { end } of begun) end()
        },
      ),
      { numRuns: 500 },
    )
  })

  test('takes no more room for changes without end while there is always somebody who sums', () => {
    const table = new RecordTable(owner)
    const path = 'p/a.jsonl'
    const many = Array.from({ length: 100 }, (_, i) => copy({ identity: `${i}` }))
    let before = table.snapshot()
    const lengths: number[] = []
    for (let round = 1; round <= 50; round++) {
      const after = table.snapshot()
      before.close()
      before = after
      // read anew, and then written over
      apply(table, encode(path, many))
      apply(table, encode(path, winnersOf(many.map((one) => ({ ...one, total: 9, output: 8 }))), { from: 10, to: 20 }))
      lengths.push(table.columns.length)
    }
    before.close()
    expect(lengths.at(-1)).toBe(lengths[5])
  })

  test('says the same whatever the order in which files come', () => {
    fc.assert(
      fc.property(files, fc.nat(), (lists, turn) => {
        const forward = new RecordTable(owner)
        const turned = new RecordTable(owner)
        const updates = lists.map((list, i) => encode(`p${i % 2}/f${i}.jsonl`, list))
        for (const update of updates) apply(forward, update)
        const at = turn % updates.length
        for (const update of [...updates.slice(at), ...updates.slice(0, at)].reverse()) apply(turned, update)
        expect(sorted(turned)).toEqual(sorted(forward))
      }),
    )
  })

  test('with a file taken out says what it would say had the file never been there', () => {
    fc.assert(
      fc.property(files, fc.nat(), (lists, which) => {
        const without = new RecordTable(owner)
        const table = new RecordTable(owner)
        const gone = which % lists.length
        lists.forEach((list, i) => {
          const update = encode(`p/f${i}.jsonl`, list)
          apply(table, update)
          if (i !== gone) apply(without, update)
        })
        table.forget(`p/f${gone}.jsonl`)
        expect(sorted(table)).toEqual(sorted(without))
        expect(table.winners).toBe(without.winners)
        expect(table.rows).toBe(without.rows)
      }),
    )
  })

  test('has one winner for each identity', () => {
    fc.assert(
      fc.property(files, (lists) => {
        const table = new RecordTable(owner)
        lists.forEach((list, i) => {
          apply(table, encode(`p/f${i}.jsonl`, list))
        })
        expect(table.winners).toBe(new Set(lists.flat().map(({ identity }) => identity)).size)
      }),
    )
  })

  test('keeps tens of thousands of identities apart, and reuses the rows of forgotten files', () => {
    const table = new RecordTable(owner)
    const many = (prefix: string) =>
      Array.from({ length: 30_000 }, (_, i) => copy({ identity: `${prefix}${i}`, output: i }))
    apply(table, encode('p/a.jsonl', many('x')))
    apply(table, encode('p/b.jsonl', many('x')))
    apply(table, encode('p/c.jsonl', many('y')))
    expect(table.winners).toBe(60_000)
    const length = table.columns.length
    table.forget('p/b.jsonl')
    apply(table, encode('p/d.jsonl', many('z')))
    expect(table.columns.length).toBe(length)
    expect(table.winners).toBe(90_000)
    expect(answer(table).whole[0]?.output).toBe(3n * 449_985_000n)
  })

  test('refuses a range that does not follow on what it knows', () => {
    const table = new RecordTable(owner)
    expect(() => apply(table, encode('p/a.jsonl', [], { from: 5 }))).toThrow('counted up to byte 0, not 5')
  })

  test('sums beyond 2^53 without losing a token', () => {
    const table = new RecordTable(owner)
    const copies = Array.from({ length: 20_000 }, (_, i) =>
      copy({ identity: `${i}`, input: 999_999_999_999, cacheRead: 1 }),
    )
    apply(table, encode('p/a.jsonl', copies))
    expect(answer(table).whole.reduce((sum, { input }) => sum + input, 0n)).toBe(999_999_999_999n * 20_000n)
  })

  test('gives a session the project, user and host of its latest record', () => {
    const table = new RecordTable(owner)
    apply(table, encode('early/a.jsonl', [copy({ identity: 'a', time: 1 })]))
    apply(table, encode('late/b.jsonl', [copy({ identity: 'b', time: 2 }), copy({ identity: 'c', time: 0 })]))
    expect(answer(table).sessions).toMatchObject([
      { id: 's', project: 'late', user: 'ann', host: 'laptop', startedAt: 0, lastActivityAt: 2 },
    ])
  })

  test('looks at sessions only where something of them is asked for', () => {
    const table = new RecordTable(owner)
    apply(table, encode('p/a.jsonl', [copy({ identity: 'a', session: 's1' }), copy({ identity: 'b', session: 's2' })]))
    const none = aggregate(table, { filter: {}, groupings: [] })
    expect([none.sessionCount, none.sessions]).toEqual([undefined, undefined])
    expect(none.firstAt).toBeDefined()
    expect(aggregate(table, { filter: {}, groupings: [], countSessions: true }).sessionCount).toBe(2)
    expect(aggregate(table, { filter: {}, groupings: [], sessions: true })).toMatchObject({ sessionCount: 2 })
    const nobody = aggregate(table, { filter: { users: ['nobody'] }, groupings: [] })
    expect([nobody.firstAt, nobody.lastAt]).toEqual([undefined, undefined])
  })

  test('selects by every filter', () => {
    const table = new RecordTable(owner)
    apply(table, encode('p/a.jsonl', [copy({ identity: 'a', time: 10, model: 'm1', session: 's1' })]))
    apply(table, encode('q/b.jsonl', [copy({ identity: 'b', time: 20, model: 'm2', session: 's2' })]))
    const count = (filter: Parameters<typeof aggregate>[1]['filter']) => {
      const { whole, sessionCount, firstAt } = aggregate(table, { filter, groupings: [], countSessions: true })
      return [Number(whole.reduce((sum, { records }) => sum + records, 0n)), sessionCount, firstAt]
    }
    expect(count({})).toEqual([2, 2, 10])
    expect(count({ from: 10, to: 20 })).toEqual([1, 1, 10])
    expect(count({ from: 11 })).toEqual([1, 1, 20])
    expect(count({ projects: ['q'] })).toEqual([1, 1, 20])
    expect(count({ models: ['m1', 'nothing'] })).toEqual([1, 1, 10])
    expect(count({ sessionIds: ['s2'] })).toEqual([1, 1, 20])
    expect(count({ users: ['ann'], hosts: ['laptop'] })).toEqual([2, 2, 10])
    expect(count({ users: ['bob'] })).toEqual([0, 0, undefined])
    expect(count({ hosts: ['desk'] })).toEqual([0, 0, undefined])
    expect(count({ projects: [] })).toEqual([0, 0, undefined])
  })
})
