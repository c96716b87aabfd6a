import { describe, expect, test } from 'vitest'
import type { ExperimentEntry, JournalEntry, JournalPlace } from '../../../src/ports/journal.ts'
import { createExposures, type DecidedAnswer, type Exposures } from '../../../src/rollout/exposures.ts'
import { createTally, type Period } from '../../../src/rollout/tally.ts'

const DAY = 86_400_000
const NOON = Date.UTC(2026, 3, 2, 12)
const ALWAYS = ['2000-01-01', '9999'] as const

/** What others hear: as JSON, as it comes out of a journal. */
const heard = (entry: JournalEntry): ExperimentEntry => JSON.parse(JSON.stringify(entry))

function scene(maxUsers?: number) {
  const entries: ExperimentEntry[] = []
  const world = { now: NOON, fails: false }
  const append = async (entry: JournalEntry): Promise<JournalPlace> => {
    if (world.fails) throw new Error('no journal')
    entries.push(heard(entry))
    // an instance hears of its own entries, too
    exposures.remember(heard(entry))
    return { segment: '', from: 0, to: 0 }
  }
  const exposures: Exposures = createExposures({ journal: { append }, now: () => world.now, maxUsers })
  const answer = (userId: string, more: Partial<DecidedAnswer> = {}): boolean =>
    exposures.noteAnswer({
      userId,
      cohort: 'legacy',
      share: 0.1,
      source: 'LEGACY',
      cache: 'MISS',
      ms: 8,
      ...more,
    })
  return { exposures, entries, world, answer }
}

/** Both parts of a period together: what is journaled, and what waits. */
function periodsOf({ periods }: Pick<Exposures, 'periods'>): Period[] {
  const all = createTally()
  for (const period of periods(...ALWAYS)) all.add({ ...createTally(), periods: () => [period] })
  return all.periods()
}

const figuresIn = (exposures: Pick<Exposures, 'periods'>) =>
  periodsOf(exposures).flatMap(({ day, share, arms }) =>
    (['legacy', 'database'] as const).flatMap((cohort) =>
      [...arms[cohort].users].map(
        ([user, { questions, errors, fallbacks, cacheHits, computed }]) =>
          [day, share, cohort, user, { questions, errors, fallbacks, cacheHits, computed }] as const,
      ),
    ),
  )

describe('exposures', () => {
  test('are one a user, day, arm and share, with what was assigned and what answered', () => {
    const { exposures, answer, world } = scene()
    expect(answer('ann')).toBe(true)
    expect(answer('ann', { cache: 'HIT' })).toBe(false)
    expect(answer('bob', { cohort: 'database', source: 'CLICKHOUSE' })).toBe(true)
    // the database was away: the files answered, and bob stays in his arm
    answer('bob', { cohort: 'database', source: 'LEGACY' })
    answer('bob', { cohort: 'database', source: undefined, cache: undefined })
    world.now += DAY
    expect(answer('ann')).toBe(true)
    expect(answer('ann', { share: 0.5 })).toBe(true)
    const none = { errors: 0, fallbacks: 0, cacheHits: 0 }
    expect(figuresIn(exposures)).toEqual([
      ['2026-04-02', 0.1, 'legacy', 'ann', { ...none, questions: 2, cacheHits: 1, computed: 1 }],
      ['2026-04-02', 0.1, 'database', 'bob', { ...none, questions: 3, errors: 1, fallbacks: 1, computed: 2 }],
      ['2026-04-03', 0.1, 'legacy', 'ann', { ...none, questions: 1, computed: 1 }],
      ['2026-04-03', 0.5, 'legacy', 'ann', { ...none, questions: 1, computed: 1 }],
    ])
  })

  test('are the same for another instance, which learns of the entries in any order and more than once', async () => {
    const one = scene()
    const two = scene()
    for (let i = 0; i < 50; i++) {
      one.answer(`user-${i % 7}`, { ms: i })
      await one.exposures.journalDue()
      one.world.now += 60_000
    }
    one.answer('late')
    await one.exposures.close()
    expect(one.entries.length).toBeGreaterThan(10)
    for (const entry of [...one.entries, ...one.entries].reverse()) two.exposures.remember(entry)
    expect(figuresIn(two.exposures).sort()).toEqual(figuresIn(one.exposures).sort())
    const latenciesOf = ({ exposures }: typeof one) => periodsOf(exposures)[0]?.arms.legacy.latencies.numbers()
    expect(latenciesOf(two)).toEqual(latenciesOf(one))
  })

  test('of somebody who is new are journaled at the next step, however much waits; the rest is few bytes a second', async () => {
    const { exposures, answer, entries, world } = scene()
    for (let i = 0; i < 500; i++) answer(`user-${i}`)
    await exposures.journalDue()
    const first = JSON.stringify(entries).length
    for (let i = 0; i < 3600; i++) {
      for (let j = 0; j < 20; j++) answer(`user-${(i * 20 + j) % 500}`)
      if (i === 100) answer('new')
      await exposures.journalDue()
      if (i === 100) expect(entries.at(-1)?.users.map(([user]) => user)).toContain('new')
      world.now += 1000
    }
    expect(JSON.stringify(entries).length - first).toBeLessThan(2 * 20 * 3600)
  })

  test('that the journal does not take are tried again, and count once', async () => {
    const { exposures, answer, entries, world } = scene()
    answer('ann')
    world.fails = true
    await expect(exposures.journalDue()).rejects.toThrow('no journal')
    await expect(exposures.journalDue()).rejects.toThrow('no journal')
    answer('ann')
    world.fails = false
    await exposures.close()
    const other = scene()
    for (const entry of entries) other.exposures.remember(entry)
    for (const one of [exposures, other.exposures])
      expect(figuresIn(one)).toMatchObject([['2026-04-02', 0.1, 'legacy', 'ann', { questions: 2 }]])
  })

  test('are forgotten after 30 days, and the earliest of them where there are too many', async () => {
    const { exposures, answer, world } = scene(3)
    for (const user of ['ann', 'bob']) answer(user)
    await exposures.journalDue()
    world.now += DAY
    for (const user of ['cy', 'dan', 'eve', 'fay']) answer(user)
    expect(figuresIn(exposures).map(([, , , user]) => user)).toEqual(['cy', 'dan', 'eve'])
    expect(exposures.uncounted()).toBe(1)
    await exposures.journalDue()
    world.now += 30 * DAY
    await exposures.journalDue()
    expect(figuresIn(exposures)).toEqual([])
  })

  test('know of comparisons whether both sources agreed, of whom the experiment put into an arm', () => {
    const { exposures, answer } = scene()
    answer('ann')
    for (const agreed of [true, true, false])
      exposures.noteComparison({ userId: 'ann', cohort: 'legacy', share: 0.1, agreed })
    exposures.noteComparison({ userId: 'ann', cohort: null, share: 0.1, agreed: false })
    exposures.noteComparison({ userId: 'bob', cohort: 'legacy', share: 0.1, agreed: false })
    const [period] = periodsOf(exposures)
    expect([...(period?.arms.legacy.users ?? [])]).toMatchObject([['ann', { comparisons: 3, mismatches: 1 }]])
  })
})
