import { expect, test } from 'vitest'
import type { Database } from '../../src/clickhouse/database.ts'
import { createPublishedRecords } from '../../src/clickhouse/published-records.ts'
import { SESSION_ORDERS, type SessionCut } from '../../src/domain/cuts.ts'
import { LIMITS } from '../../src/domain/limits.ts'
import { EVERYTHING, type Scope } from '../../src/domain/scope.ts'
import { GRANULARITIES } from '../../src/domain/time-buckets.ts'
import { groupsOf, SLOT_MS, type TokenAnswer } from '../../src/domain/token-query.ts'
import type { PublishedQuery } from '../../src/ports/record-store.ts'
import { createTurns } from '../../src/turns/in-turn.ts'
import { bucketSlots, DAYS_OF_BERLIN } from './bucketed.ts'
import { anything, batch, copy, NOTHING, openStore, plantWinners, WHOLE } from './store-records.ts'
import { TEST_PRICES } from './test-prices.ts'
import { toldCuts } from './told-cuts.ts'
import { totals } from './transcripts.ts'

const { priceOf } = TEST_PRICES

/** What readers of every store are answered. */
export function publishedAnswersSuite(open: () => Promise<Database<string>>): void {
  const opened = () => openStore(open)

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
    const answers = await published.answer({ queries, access: EVERYTHING }, NOTHING)
    expect(answers.map(({ whole }) => whole.map(({ model, input }) => [model, Number(input)]))).toEqual(
      names.map((name, i) => [[name, 2 ** i]]),
    )
    const [all] = await published.answer(
      { queries: [{ filter: { models: names }, groupings: [] }], access: EVERYTHING },
      NOTHING,
    )
    expect(totals(all?.whole ?? [])).toMatchObject({ input: 2 ** names.length - 1, records: names.length })
  })

  test('a session is of its latest record, which of several with one origin is the same in whichever order they came', async () => {
    const { store, published } = await opened()
    const projects = ['b', 'a', 'c', '\ue000', '😀', 'd']
    const sessions = [projects, projects.toReversed()].map((list, n) =>
      list.map((project, i) =>
        copy({ id: `${n} ${project}`, session: `s${n}`, position: i, project, model: `m${i % 4}`, byMutation: true }),
      ),
    )
    await store.write([{ batch: 1, log: 'l/journal:1#0', run: 'live', records: sessions.flat() }])
    await store.publish([batch(1, 'l/journal:1#0', 'live')], 1)
    const [answer] = await published.answer({ queries: [{ ...WHOLE, sessions: true }], access: EVERYTHING }, NOTHING)
    expect(answer?.sessions?.map(({ project }) => project)).toEqual(['😀', '😀'])
  })

  test('looks at nothing but what is within the scopes, of which there may be many, with any names', async () => {
    const { store, published } = await opened()
    const names = ["'", '\\', '{scope_0_users:String}', '\0', '', '日本', "') OR true --"]
    const records = names.map((user, i) =>
      copy({ id: `r${i}`, position: i, user, project: `p${i % 2}`, input: 2 ** i }),
    )
    await store.write([{ batch: 1, log: 'log', run: 'live', records }])
    await store.publish([batch(1, 'log', 'live')], 1)
    const queries = [WHOLE, { filter: { projects: ['p0'] }, groupings: [], sessions: true, countSessions: true }]
    const inputs = async (access: readonly Scope[]) =>
      (await published.answer({ queries, access }, NOTHING)).map(({ whole }) => totals(whole).input)
    for (const [i, user] of names.entries())
      expect(await inputs([{ users: [user] }]), user).toEqual([2 ** i, i % 2 === 0 ? 2 ** i : 0])
    expect(await inputs([{ users: names.slice(0, 2) }, { projects: ['p0'], hosts: ['laptop'] }])).toEqual([
      0b1010111, 0b1010101,
    ])
    expect(await inputs([{ projects: ['p1'], hosts: ['tower'] }])).toEqual([0, 0])
    expect(await inputs([])).toEqual([0, 0])
    const many = Array.from({ length: LIMITS.scopes.value - 1 }, (_, i) => ({
      users: Array.from({ length: 9 }, (_, j) => `no ${i} ${j}`),
      projects: [`no ${i}`],
      hosts: [`no ${i}`],
    }))
    expect(await inputs([...many, { users: ["'"] }])).toEqual([1, 1])
  })

  test('sums that would wrap in 64 bits do not', async () => {
    const { db, count } = await opened()
    await plantWinners(db, 'identity, seq, input', 'SELECT generateUUIDv4(), 1, 10000000000000000000 FROM numbers(3)')
    expect((await count()).records).toBe(3)
    const [answer] = await createPublishedRecords(db, { prices: TEST_PRICES }).answer(
      { queries: [WHOLE], access: EVERYTHING },
      NOTHING,
    )
    expect(answer?.whole[0]?.input).toBe(30_000_000_000_000_000_000n)
  })

  test('leaves out identities, few and many, and makes nothing in the database for them', async () => {
    const { db, store } = await opened()
    const records = Array.from({ length: 1000 }, (_, i) => copy({ id: `r${i}`, position: i }))
    await store.write([{ batch: 1, log: 'a', run: 'live', records }])
    await store.publish([batch(1, 'a', 'live')], 1)
    const none = (): Promise<never> => Promise.reject(new Error('something is made in the database'))
    const reading = createPublishedRecords({ ...db, command: none, insert: none }, { prices: TEST_PRICES })
    for (const count of [1, 500, 501, 999]) {
      const excluded = Buffer.concat(records.slice(0, count).map(({ identity }) => Buffer.from(identity, 'hex')))
      const [answer] = await reading.answer({ queries: [WHOLE], access: EVERYTHING }, excluded)
      expect(totals(answer?.whole ?? []).records).toBe(1000 - count)
    }
  })

  test('cuts pages of sessions by whole numbers, however large, and tells those that others have beside them', async () => {
    const { db, published } = await opened()
    // costs of some 10^13 dollars, of which many differ by less than floating point can tell
    await plantWinners(
      db,
      'identity, seq, session, model, user, time, input, output, cache_read',
      `SELECT generateUUIDv4(), 1, concat('s', toString(intDiv(number, 2))), if(intDiv(number, 14) % 5 = 0, 'm2', 'm1'), 'u',
        fromUnixTimestamp64Milli(1775000000000 + toInt64(number % 7) * 3600000), 10000000000000000000 - number % 3, number % 5,
        (number % 4) * 100000
       FROM numbers(2000)`,
    )
    const ask = async (query: PublishedQuery) =>
      (await published.answer({ queries: [query], access: EVERYTHING }, NOTHING))[0] as TokenAnswer
    const sessionPages = SESSION_ORDERS.flatMap((order): SessionCut[] => [
      { order, first: 3 },
      { order, first: 3, after: { rank: 10n ** 20n, id: 's5' } },
      { order, first: 3, after: { rank: -1n, id: 's5' } },
    ])
    const all = await ask({ filter: {}, groupings: [], sessions: true })
    expect(all.sessionCount).toBe(1000)
    const ids = ({ sessions = [] }: TokenAnswer): string[] => sessions.map(({ id }) => id)
    for (const others of [[], ids(all).slice(0, 3), ids(all).slice(100, 700)]) {
      const beside = { sessions: [...others, 'none'], combinations: {} }
      const cut = await ask({ filter: {}, groupings: [], sessionPages, beside })
      expect(ids(cut).toSorted()).toEqual(others.toSorted())
      expect(cut.sessionCount).toBe(1000 - others.length)
      const left = all.sessions?.filter(({ id }) => !others.includes(id)) ?? []
      const expected = toldCuts({ ...all, sessions: left }, { filter: {}, groupings: [], sessionPages }, priceOf)
      expect(
        toldCuts({ ...cut, sessions: undefined as never }, { filter: {}, groupings: [], sessionPages }, priceOf),
      ).toEqual(expected)
    }
  })

  test('an answer of more sums than one may have is refused, over all its parts, before they are read', async () => {
    const { db } = await opened()
    const half = 20
    const published = createPublishedRecords(db, { prices: TEST_PRICES, maxSums: 2 * half })
    const fill = (from: number, count: number) =>
      plantWinners(
        db,
        'identity, session, project, model, user, host, path, time',
        `SELECT generateUUIDv4(), toString(number), 'p', 'm', 'u', 'h', '/p', now64(3) FROM numbers(${from}, ${count})`,
      )
    const bySession = { filter: {}, groupings: [], sessions: true }
    // one sum is of the whole
    await fill(0, half - 1)
    const answers = await published.answer({ queries: [bySession, bySession], access: EVERYTHING }, NOTHING)
    expect(answers.map(({ sessionCount }) => sessionCount)).toEqual([half - 1, half - 1])
    const tooMuch = { name: 'BridgeError', code: 'QUERY_TOO_EXPENSIVE' }
    await expect(
      published.answer({ queries: [bySession, bySession, WHOLE], access: EVERYTHING }, NOTHING),
    ).rejects.toMatchObject(tooMuch)
    await fill(half, half + 1)
    await expect(published.answer({ queries: [bySession], access: EVERYTHING }, NOTHING)).rejects.toMatchObject(tooMuch)
    expect(await db.query({ name: 'next', sql: 'SELECT number FROM numbers(50)', row: anything })).toHaveLength(50)
    expect(
      (await published.answer({ queries: [{ ...WHOLE, countSessions: true }], access: EVERYTHING }, NOTHING))[0]
        ?.sessionCount,
    ).toBe(2 * half)
  })

  test('an answer about days has a sum for each day, whatever the zone and however far from today', async () => {
    const { db, published } = await opened()
    const zone = 'Australia/Lord_Howe'
    const times = ['2025-10-04T15:15:00Z', '1999-03-01T10:00:00Z', '2261-12-31T20:00:00Z'].map((text) =>
      Date.parse(text),
    )
    // every slot of the days around, among them one with a change of clocks by half an hour
    const slots = times.flatMap((time) => Array.from({ length: 300 }, (_, i) => time + (i - 150) * SLOT_MS))
    await plantWinners(
      db,
      'identity, session, project, model, user, host, path, time',
      `SELECT generateUUIDv4(), 's', 'p', 'm', 'u', 'h', '/p', fromUnixTimestamp64Milli([${slots.join(', ')}][number + 1])
       FROM numbers(${slots.length})`,
    )
    const statements: number[] = []
    const looked: Database<string> = {
      ...db,
      async query(statement, params) {
        const rows = await db.query(statement, params)
        if (statement.name === 'answer') statements.push(rows.length)
        return rows
      },
    }
    const counted = createPublishedRecords(looked, { prices: TEST_PRICES })
    for (const granularity of GRANULARITIES) {
      const buckets = { granularity, timeZone: zone }
      const [answer] = await published.answer(
        { queries: [{ filter: {}, groupings: [[buckets]] }], access: EVERYTHING },
        NOTHING,
      )
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
    await counted.answer({ queries: [aroundNow], access: EVERYTHING }, NOTHING)
    // and one of the whole
    expect(statements).toEqual([4 + 1])
    // so has one about the hours of a short range, where several zones ask for them
    const from = times[0] as number
    const hours = ['UTC', 'Asia/Kathmandu'].map((timeZone) => [{ granularity: 'HOUR' as const, timeZone }])
    const ofHours = { filter: { from, to: from + 40 * SLOT_MS }, groupings: hours }
    const [answer] = await counted.answer({ queries: [ofHours], access: EVERYTHING }, NOTHING)
    for (const [i, grouping] of hours.entries()) {
      const asked = slots.filter((start) => start >= from && start < from + 40 * SLOT_MS).map((start) => ({ start }))
      const expected = bucketSlots(asked, 'HOUR', grouping[0]?.timeZone ?? '').map(({ start, slots: some }) => [
        start,
        BigInt(some.length),
      ])
      const found = groupsOf(answer as TokenAnswer, hours[i] ?? []).map(({ start, usage }) => [
        start,
        usage[0]?.records,
      ])
      expect(found.toSorted()).toEqual(expected)
    }
    expect(statements.at(-1)).toBeLessThan(40)
  })

  test('each statement of an answer has a turn of its own: a short question does not wait for a long list of them', async () => {
    const { published } = await opened()
    const turns = createTurns({ atOnce: 1 })
    const ended: string[] = []
    const ask = async (caller: string, questions: number): Promise<void> => {
      const queries = Array.from({ length: questions }, (_, i) => ({ filter: { from: i }, groupings: [] }))
      await published.answer({ queries, access: EVERYTHING }, NOTHING, (run) => turns(caller, run))
      ended.push(caller)
    }
    await Promise.all([ask('ann', 20), ask('bob', 1)])
    expect(ended).toEqual(['bob', 'ann'])
  })
}
