import { expect, test } from 'vitest'
import type { TokenAnswer } from '../../../src/domain/token-query.ts'
import { createDerived } from '../../../src/reading/derived.ts'
import { collectInSlices, type Turn, turnOf } from '../../../src/turns/event-loop.ts'

const ANSWER: TokenAnswer = { whole: [], sessionCount: 0, firstAt: undefined, lastAt: undefined, groups: {} }

/** Each step takes longer than a slice, so that others have their turns after it. */
function* steps(count: number): Generator<number> {
  for (let i = 0; i < count; i++) {
    for (const until = performance.now() + 6; performance.now() < until; );
    yield i
  }
}

test.each(['before bob asks', 'while bob waits'])(
  'what ann asked first and bob asks, too, is computed for bob before all else that ann asks, %s',
  async (when) => {
    const derived = createDerived(1 << 20)
    let others = 0
    const flooding: Promise<number>[] = []
    const flood = (): void => {
      for (let i = 0; i < 1000; i++) flooding.push(turnOf('ann').then(() => others++))
    }
    const compute = (turn: Turn) => collectInSlices(steps(20), turn)
    const ofAnn = derived.of(ANSWER, 'series', 'ann', compute)
    if (when === 'before bob asks') flood()
    const ofBob = derived.of(ANSWER, 'series', 'bob', compute)
    if (when === 'while bob waits') flood()
    expect(await ofBob).toBe(await ofAnn)
    expect(others).toBeLessThan(200)
    await Promise.all(flooding)
  },
)
