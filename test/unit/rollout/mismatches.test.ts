import { describe, expect, test } from 'vitest'
import { questionText } from '../../../src/domain/question-text.ts'
import type { TokenQuery } from '../../../src/domain/token-query.ts'
import type { JournalEntry, MismatchEntry } from '../../../src/ports/journal.ts'
import { readQuestion } from '../../../src/rollout/kept-question.ts'
import { createMismatches, MAX_MISMATCHES } from '../../../src/rollout/mismatches.ts'

const query: TokenQuery = { filter: { users: ['bob', 'ann', 'bob'], from: 1 }, groupings: [['project']] }
const found = (field: string, candidate = '2') => [{ field, control: '1', candidate, query }]

function scene() {
  const world = { now: 1_000_000_000, elapsed: 7 }
  const entries: JournalEntry[] = []
  const unkept: unknown[] = []
  const mismatches = createMismatches({
    journal: {
      async append(entry) {
        if (world.now === 0) throw new Error('full')
        entries.push(entry)
        return { segment: '', from: 0, to: 0 }
      },
    },
    sameMs: 60_000,
    onUnkept: (error) => unkept.push(error),
    now: () => world.now,
    elapsed: () => world.elapsed,
  })
  return { world, entries, unkept, mismatches }
}
const entry = (at: number, id: string): MismatchEntry => ({
  kind: 'mismatch',
  at,
  id,
  field: 'f',
  control: '1',
  candidate: '2',
  confirmed: true,
  question: '{}',
})

describe('mismatches', () => {
  test('are kept with what was asked, in one form', () => {
    const { mismatches, entries } = scene()
    mismatches.note(found('a'), true)
    const question =
      '{"filter":{"from":1,"users":["ann","bob"]},"groupings":[["project"]],"sessions":false,"countSessions":false}'
    expect(entries).toMatchObject([
      { kind: 'mismatch', field: 'a', control: '1', candidate: '2', confirmed: true, question },
    ])
    expect(readQuestion(question)).toEqual({
      filter: { from: 1, users: ['ann', 'bob'] },
      groupings: [['project']],
      sessions: false,
      countSessions: false,
    })
  })

  test('are not noted again for a while, nor more than some of them in an hour', () => {
    const { mismatches, world, entries } = scene()
    mismatches.note(found('a'), true)
    mismatches.note(found('a'), true)
    mismatches.note(found('a'), false)
    mismatches.note(found('a', '3'), true)
    expect(entries).toHaveLength(2)
    world.now += 60_000
    mismatches.note(found('a'), true)
    expect(entries).toHaveLength(3)
    for (let i = 0; i < 200; i++) mismatches.note(found(`f${i}`), true)
    expect(entries).toHaveLength(100)
    world.now += 3_600_000
    mismatches.note(found('a'), true)
    expect(entries).toHaveLength(101)
  })

  test('are told the latest first, page by page, each once, in whatever order they are heard; the latest are kept', () => {
    const { mismatches } = scene()
    const all = Array.from({ length: MAX_MISMATCHES + 5 }, (_, i) => entry(Math.floor(i / 2), `${i}`.padStart(5, '0')))
    for (const one of all.toReversed()) mismatches.remember(one)
    for (const one of all) mismatches.remember(one)
    const told: string[] = []
    for (let after: MismatchEntry | undefined; ; ) {
      const { mismatches: some, total, hasNext } = mismatches.page(7, after)
      expect(total).toBe(MAX_MISMATCHES)
      told.push(...some.map(({ id }) => id))
      after = some.at(-1)
      if (!hasNext) break
    }
    expect(told).toHaveLength(MAX_MISMATCHES)
    expect(new Set(told).size).toBe(MAX_MISMATCHES)
    expect(told[0]).toBe('01004')
  })

  test('that are confirmed are heard of once, however often they are told; their questions are told, each once', () => {
    const { mismatches, world } = scene()
    mismatches.note(found('of a moment'), false)
    expect([mismatches.heardAt(), mismatches.questions()]).toEqual([undefined, []])
    const other = { ...query, groupings: [] }
    mismatches.note([...found('a'), ...found('b'), { ...found('c')[0], query: other }] as never, true)
    expect(mismatches.heardAt()).toBe(7)
    expect(mismatches.questions()).toHaveLength(2)
    // by a clock that is wrong
    mismatches.remember(entry(1, 'elsewhere'))
    world.elapsed = 8
    mismatches.remember(entry(1, 'elsewhere'))
    expect(mismatches.heardAt()).toBe(7)
    mismatches.remember(entry(1, 'elsewhere, too'))
    expect(mismatches.heardAt()).toBe(8)
    // whose question was not kept
    expect(mismatches.questions()).toHaveLength(2)
  })

  test('that the disk does not take are known here', async () => {
    const { mismatches, world, unkept } = scene()
    world.now = 0
    mismatches.note(found('a'), false)
    await new Promise((resolve) => setImmediate(resolve))
    expect(unkept).toEqual([new Error('full')])
    expect(mismatches.page(1, undefined).total).toBe(1)
    expect(mismatches.heardAt()).toBeUndefined()
  })

  test('do not keep a question that is too long, and replay none that is none', () => {
    const sessionIds = Array.from({ length: 1000 }, (_, i) => `a rather long name of a session ${i}`)
    expect(questionText({ filter: { sessionIds }, groupings: [] })).toBe('{}')
    for (const text of [
      '{}',
      '',
      'null',
      '{"filter":{"from":"x"},"groupings":[],"sessions":true,"countSessions":true}',
    ])
      expect(readQuestion(text)).toBeUndefined()
  })
})
