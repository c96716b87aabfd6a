import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createGuard, type Guard } from '../../../src/policies/guard.ts'
import { BETWEEN_ATTEMPTS, type Breaker, POLICIES, type Policy } from '../../../src/policies/policies.ts'

/** The dependency is away. */
class Away extends Error {}

const ROWS = Object.entries(POLICIES).flatMap(([dependency, uses]) =>
  Object.entries(uses).map(([use, policy]: [string, Policy]) => ({ what: `${dependency}: ${use}`, policy })),
)
const WITH_BREAKER = ROWS.flatMap(({ what, policy }) =>
  policy.breaker === undefined ? [] : [{ what, policy, breaker: policy.breaker }],
)

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const guardOf = (policy: Policy): Guard => createGuard('it', policy, (error) => error instanceof Away)
const succeeding = async (): Promise<string> => 'answer'
const failing = (): Promise<never> => Promise.reject(new Away('no answer'))
/** What became of a call, as soon as it has. */
function follow<T>(call: Promise<T>): { outcome: () => unknown } {
  let outcome: unknown = 'on its way'
  call.then(
    (value) => (outcome = value),
    (error) => (outcome = error),
  )
  return { outcome: () => outcome }
}
const settle = () => vi.advanceTimersByTimeAsync(0)

describe.each(ROWS)('a call for $what', ({ policy }) => {
  test('is ended at its deadline, and not repeated then', async () => {
    let calls = 0
    const call = follow(
      guardOf(policy).run(
        ({ signal }) => {
          calls++
          return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Away('too late'))))
        },
        { repeatable: true },
      ),
    )
    await vi.advanceTimersByTimeAsync(policy.deadlineMs - 1)
    expect(call.outcome()).toBe('on its way')
    await vi.advanceTimersByTimeAsync(1)
    expect(call.outcome()).toMatchObject({ message: 'too late' })
    await vi.advanceTimersByTimeAsync(10_000)
    expect(calls).toBe(1)
  })

  test('is repeated while it is away, as often as is said, later each time, where it may be', async () => {
    const at: number[] = []
    const left: number[] = []
    const fail = ({ leftMs }: { leftMs: number }): Promise<never> => {
      at.push(performance.now())
      left.push(leftMs)
      return failing()
    }
    const begun = performance.now()
    const repeated = follow(guardOf(policy).run(fail, { repeatable: true }))
    await vi.advanceTimersByTimeAsync(policy.deadlineMs)
    expect(repeated.outcome()).toMatchObject({ message: 'no answer' })
    expect(at).toHaveLength(policy.attempts)
    for (const [i, time] of at.entries()) {
      expect(left[i]).toBe(policy.deadlineMs - (time - begun))
      if (i === 0) continue
      const longest = BETWEEN_ATTEMPTS.firstMs * 2 ** (i - 1)
      expect(time - (at[i - 1] as number)).toBeGreaterThanOrEqual(longest / 2)
      expect(time - (at[i - 1] as number)).toBeLessThanOrEqual(longest)
    }
    at.length = 0
    const once = follow(guardOf(policy).run(fail))
    await vi.advanceTimersByTimeAsync(policy.deadlineMs)
    expect(once.outcome()).toMatchObject({ message: 'no answer' })
    expect(at).toHaveLength(1)
  })

  test('is not repeated because of an error of its own', async () => {
    let calls = 0
    const call = follow(
      guardOf(policy).run(
        async () => {
          calls++
          throw new Error('syntax')
        },
        { repeatable: true },
      ),
    )
    await vi.advanceTimersByTimeAsync(policy.deadlineMs)
    expect([(call.outcome() as Error).message, calls]).toEqual(['syntax', 1])
  })

  test('is refused at once where as many are on their way, or wait, as may', async () => {
    const guard = guardOf(policy)
    const ends: (() => void)[] = []
    const hold = () => follow(guard.run(() => new Promise<void>((resolve) => ends.push(resolve))))
    const held = Array.from({ length: policy.atOnce + policy.waiting }, hold)
    await settle()
    expect(ends).toHaveLength(policy.atOnce)
    const refused = hold()
    await settle()
    expect(refused.outcome()).toMatchObject({ code: 'OVERLOADED', retryable: true })
    for (let ended = 0; ended < held.length; ended++) {
      ends[ended]?.()
      await settle()
    }
    expect(held.map(({ outcome }) => outcome())).toEqual(held.map(() => undefined))
    const later = follow(guard.run(succeeding))
    await settle()
    expect(later.outcome()).toBe('answer')
  })
})

describe.each(WITH_BREAKER)('the breaker for $what', ({ policy, breaker }) => {
  const { failures, openMs, trials } = breaker

  test('opens after as many failures in a row as is said, not before', async () => {
    const guard = guardOf(policy)
    for (let i = 1; i < failures; i++) await guard.run(failing).catch(() => undefined)
    await guard.run(succeeding)
    for (let i = 1; i < failures; i++) await guard.run(failing).catch(() => undefined)
    expect([guard.isOpen(), await guard.run(succeeding)]).toEqual([false, 'answer'])
    await opened(guard, breaker)
    expect(guard.isOpen()).toBe(true)
  })

  test('counts each attempt', async () => {
    const guard = guardOf(policy)
    let calls = 0
    const count = (): Promise<never> => {
      calls++
      return failing()
    }
    while (!guard.isOpen()) {
      follow(guard.run(count, { repeatable: true }))
      await vi.advanceTimersByTimeAsync(policy.deadlineMs)
    }
    expect(calls).toBe(failures)
  })

  test('is not opened by errors that say nothing of the dependency', async () => {
    const guard = guardOf(policy)
    for (let i = 0; i < 10 * failures; i++) await guard.run(() => Promise.reject(new Error('syntax'))).catch(() => {})
    expect([guard.isOpen(), await guard.run(succeeding)]).toEqual([false, 'answer'])
  })

  test('lets nothing through while it is open: every call fails at once, also one that may be repeated', async () => {
    const guard = guardOf(policy)
    await opened(guard, breaker)
    await vi.advanceTimersByTimeAsync(openMs - 1)
    const called = vi.fn(succeeding)
    for (const repeatable of [true, false]) {
      const call = follow(guard.run(called, { repeatable }))
      await settle()
      expect(call.outcome()).toMatchObject({
        code: 'SOURCE_UNAVAILABLE',
        message: `it is left alone for up to ${openMs / 1000} s: it failed ${failures} times in a row`,
      })
    }
    expect(called).not.toHaveBeenCalled()
  })

  test('closes when all trial calls succeed; whoever comes meanwhile is not kept waiting', async () => {
    const guard = guardOf({ ...policy, atOnce: trials + 1 })
    await opened(guard, breaker)
    await vi.advanceTimersByTimeAsync(openMs)
    const ends: (() => void)[] = []
    const trying = Array.from({ length: trials }, () =>
      follow(guard.run(() => new Promise<void>((resolve) => ends.push(resolve)))),
    )
    const late = follow(guard.run(succeeding))
    await settle()
    expect(ends).toHaveLength(trials)
    expect(late.outcome()).toMatchObject({ code: 'SOURCE_UNAVAILABLE' })
    for (const end of ends) {
      expect(guard.isOpen()).toBe(true)
      end()
      await settle()
    }
    expect(trying.map(({ outcome }) => outcome())).toEqual(trying.map(() => undefined))
    expect([guard.isOpen(), await guard.run(succeeding)]).toEqual([false, 'answer'])
    // and counts anew
    for (let i = 1; i < failures; i++) await guard.run(failing).catch(() => undefined)
    expect(guard.isOpen()).toBe(false)
  })

  test('opens again, for as long, when one trial call fails', async () => {
    for (let good = 0; good < trials; good++) {
      const guard = guardOf(policy)
      await opened(guard, breaker)
      await vi.advanceTimersByTimeAsync(openMs)
      for (let i = 0; i < good; i++) await guard.run(succeeding)
      await guard.run(failing).catch(() => undefined)
      await vi.advanceTimersByTimeAsync(openMs - 1)
      await expect(guard.run(succeeding)).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' })
      await vi.advanceTimersByTimeAsync(1)
      expect(await guard.run(succeeding)).toBe('answer')
    }
  })
})

async function opened(guard: Guard, { failures }: Breaker): Promise<void> {
  for (let i = 0; i < failures; i++) await guard.run(failing).catch(() => undefined)
}

test.each(ROWS.filter(({ policy }) => policy.breaker === undefined))(
  'without a breaker, as for $what, every call is made, however many failed',
  async ({ policy }) => {
    const guard = guardOf(policy)
    for (let i = 0; i < 100; i++) await guard.run(failing).catch(() => undefined)
    expect([guard.isOpen(), await guard.run(succeeding)]).toEqual([false, 'answer'])
  },
)

test('a call that nobody wants any more is not repeated', async () => {
  const unwanted = new AbortController()
  const called = vi.fn(failing)
  const call = follow(guardOf(POLICIES.unleash.poll).run(called, { repeatable: true, signal: unwanted.signal }))
  await settle()
  unwanted.abort()
  await vi.advanceTimersByTimeAsync(10_000)
  expect(call.outcome()).toBeInstanceOf(Error)
  expect(called).toHaveBeenCalledTimes(1)
})
