import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Work } from '../../../src/domain/work.ts'
import { createFairTurns } from '../../../src/turns/fair-turns.ts'

/** Turns on a clock that moves by one with each step of work, a slice of `sliceMs` steps at each `turn`. */
function scene(sliceMs = 2) {
  let time = 0
  const slices: (() => void)[] = []
  const log: string[] = []
  const turns = createFairTurns({ sliceMs, now: () => time, later: (slice) => void slices.push(slice) })
  function* steps<T>(count: number, result: () => T): Work<T> {
    for (let i = 0; i < count; i++) {
      time++
      yield
    }
    return result()
  }
  const turn = (): boolean => {
    const slice = slices.shift()
    slice?.()
    return slice !== undefined
  }
  return {
    turns,
    log,
    turn,
    steps,
    ask: (caller: string, name: string, count: number, result: () => unknown = () => '') =>
      turns.ask(
        caller,
        () => {
          log.push(`begin ${name}`)
          return steps(count, result)
        },
        (answer) => log.push(`done ${name}${answer === '' ? '' : ` ${answer}`}`),
        (error) => log.push(`failed ${name}: ${(error as Error).message}`),
      ),
    toTheEnd(): void {
      while (turn());
    },
  }
}

describe('fair turns', () => {
  test('a short question is done before a long one of another caller that has begun', () => {
    const { ask, turn, toTheEnd, log } = scene()
    ask('ann', 'long', 1000)
    for (let i = 0; i < 10; i++) turn()
    ask('bob', 'short', 3)
    toTheEnd()
    expect(log).toEqual(['begin long', 'begin short', 'done short', 'done long'])
  })

  test('one caller with many questions takes no more turns than another with one', () => {
    const { ask, turn, toTheEnd, log } = scene()
    for (let i = 0; i < 50; i++) ask('ann', `a${i}`, 10)
    turn()
    ask('bob', 'b', 10)
    toTheEnd()
    expect(log.indexOf('done b')).toBeLessThan(log.indexOf('begin a3'))
  })

  test('time that a caller did not want is not saved up', () => {
    const { ask, turn, toTheEnd, log } = scene()
    ask('ann', 'a', 100)
    for (let i = 0; i < 40; i++) turn()
    ask('bob', 'b', 100)
    for (let i = 0; i < 4; i++) turn()
    ask('cid', 'c', 4)
    toTheEnd()
    expect(log.filter((line) => line.startsWith('done'))).toEqual(['done c', 'done a', 'done b'])
  })

  test('a change waits for what has begun, and what is asked for after it sees it', async () => {
    const { turns, ask, turn, toTheEnd, log } = scene()
    let state = 'old'
    ask('ann', 'before', 10, () => state)
    turn()
    const changed = turns.change(() => {
      log.push('change')
      state = 'new'
    })
    ask('bob', 'after', 1, () => state)
    toTheEnd()
    await changed
    expect(log).toEqual(['begin before', 'done before old', 'change', 'begin after', 'done after new'])
  })

  test('a change does not wait for work that is of its moment, and what is asked for after it sees it', () => {
    const { turns, ask, turn, toTheEnd, log, steps } = scene()
    let state = 'old'
    turns.ask(
      'ann',
      function* () {
        const seen = state
        return yield* steps(10, () => seen)
      },
      (seen) => log.push(`done before ${seen}`),
      () => undefined,
      { ofItsMoment: true },
    )
    turn()
    void turns.change(() => {
      log.push('change')
      state = 'new'
    })
    ask('bob', 'after', 1, () => state)
    toTheEnd()
    expect(log).toEqual(['change', 'begin after', 'done after new', 'done before old'])
  })

  test('a change that finds nothing begun is made at once, and its failure is told to whoever made it', async () => {
    const { turns, ask, toTheEnd, log } = scene()
    ask('ann', 'a', 1)
    const changed = turns.change(() => {
      throw new Error('no')
    })
    expect(log).toEqual([])
    toTheEnd()
    await expect(changed).rejects.toThrow('no')
    expect(log).toEqual(['begin a', 'done a'])
  })

  test('work that fails, as it begins or later, holds nobody up', () => {
    const { turns, ask, toTheEnd, log } = scene()
    turns.ask(
      'ann',
      () => {
        throw new Error('at once')
      },
      () => undefined,
      (error) => log.push((error as Error).message),
    )
    ask('ann', 'x', 3, () => {
      throw new Error('later')
    })
    void turns.change(() => log.push('change'))
    ask('ann', 'y', 1)
    toTheEnd()
    expect(log).toEqual(['change', 'at once', 'begin x', 'failed x: later', 'begin y', 'done y'])
  })

  test('whatever comes when: each answer is of one moment, no older than its question, and all are given', () => {
    const event = fc.oneof(
      fc.record({
        kind: fc.constant('ask' as const),
        caller: fc.constantFrom('a', 'b', 'c'),
        steps: fc.nat(12),
        ofItsMoment: fc.boolean(),
      }),
      fc.record({ kind: fc.constant('change' as const) }),
      fc.record({ kind: fc.constant('turn' as const) }),
    )
    fc.assert(
      fc.property(fc.array(event, { maxLength: 80 }), (events) => {
        const { turns, turn, toTheEnd, steps } = scene()
        let posted = 0
        let state = 0
        let asked = 0
        let answered = 0
        for (const one of events) {
          if (one.kind === 'turn') turn()
          else if (one.kind === 'change') {
            posted++
            void turns.change(() => state++)
          } else {
            const since = posted
            asked++
            turns.ask<number>(
              one.caller,
              function* () {
                const seen = state
                return yield* steps(one.steps, () => seen)
              },
              (seen) => {
                answered++
                if (!one.ofItsMoment) expect(seen).toBe(state)
                expect(seen).toBeGreaterThanOrEqual(since)
              },
              (error) => {
                throw error
              },
              one,
            )
          }
        }
        toTheEnd()
        expect(answered).toBe(asked)
        expect(state).toBe(posted)
      }),
    )
  })

  test('once closed, apply and begin nothing any more', async () => {
    const applied: string[] = []
    const turns = createFairTurns()
    void turns.change(() => applied.push('before'))
    turns.close()
    void turns.change(() => applied.push('after'))
    turns.ask(
      'ann',
      // biome-ignore lint/correctness/useYield: it would end at once
      function* () {
        applied.push('asked')
      },
      () => expect.unreachable(),
      () => expect.unreachable(),
    )
    await new Promise((resolve) => setImmediate(resolve))
    expect(applied).toEqual(['before'])
  })
})
