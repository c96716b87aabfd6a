import { describe, expect, test } from 'vitest'
import { LIMITS } from '../../../src/domain/limits.ts'
import { createWorkBytes } from '../../../src/http/work-bytes.ts'
import { quickWork } from '../../support/quick-work.ts'

const MOST = LIMITS.workBytes.value
const SMALL = LIMITS.smallRequestBytes.value
const LARGE = MOST / 4

describe('the requests that are worked on at once', () => {
  test('are as many as are answered in time, and one whatever its size', () => {
    const work = quickWork()
    const ends = Array.from({ length: 4 }, () => work.take('ann', LARGE))
    expect(ends).not.toContain(undefined)
    expect(work.take('ann', LARGE)).toBeUndefined()
    expect(work.hasRoom('ann', LARGE)).toBe(false)
    for (const end of ends) {
      end?.()
      // to end twice is to end once
      end?.()
    }
    const end = work.take('ann', MOST * 2)
    expect(end).toBeDefined()
    expect(work.take('ann', LARGE)).toBeUndefined()
  })

  test('are shared equally by those who ask, and the first of each is taken at once', () => {
    let now = 0
    const work = quickWork(() => now)
    const mine = Array.from({ length: 4 }, () => work.take('ann', LARGE))
    expect(work.take('bob', LARGE)).toBeDefined()
    // there is room for one, which belongs to whoever has less
    mine[0]?.()
    mine[1]?.()
    expect(work.take('ann', LARGE)).toBeUndefined()
    expect(work.take('bob', LARGE)).toBeDefined()
    // who went away for long has no share
    mine[2]?.()
    mine[3]?.()
    const only = quickWork(() => now)
    only.take('bob', LARGE)?.()
    now += 2000
    for (let n = 0; n < 4; n++) expect(only.take('ann', LARGE)).toBeDefined()
  })

  test('do not begin to be read beside those of the same user that are still coming, which stall in vain', () => {
    let now = 0
    const work = quickWork(() => now)
    const arrivals = Array.from({ length: 4 }, () => work.expect('ann', LARGE))
    expect(work.hasRoom('ann', LARGE)).toBe(false)
    expect(work.hasRoom('bob', LARGE)).toBe(true)
    // what is there is worked on, whatever else is coming
    expect(work.take('ann', LARGE)).toBeDefined()
    now += 200
    arrivals[0]?.goesOn()
    now += 200
    expect(work.hasRoom('ann', LARGE)).toBe(false)
    now += 2000
    expect(work.hasRoom('ann', LARGE)).toBe(true)
  })

  test('leave room for the first of each, however large is what another user has in work', () => {
    const work = quickWork()
    expect(work.take('mal', MOST * 2)).toBeDefined()
    expect(work.take('ann', LARGE)).toBeDefined()
    expect(work.take('ann', LARGE)).toBeDefined()
    expect(work.take('bob', LARGE)).toBeDefined()
  })

  test('leave room for the first of one more, whatever three others keep in work for long', () => {
    let now = 0
    const work = quickWork(() => now)
    for (const user of ['mal', 'meg', 'max']) expect(work.take(user, MOST * 2)).toBeDefined()
    expect(work.take('ann', LARGE)).toBeUndefined()
    // as a client is told to
    now += 1000
    expect(work.take('ann', LARGE)).toBeDefined()
    expect(work.take('bob', LARGE)).toBeDefined()
    // which is not so for more of their own
    expect(work.take('mal', LARGE)).toBeUndefined()
  })

  test('leave room for whoever comes anew, also where three others ask again as soon as they are answered', () => {
    let now = 0
    const work = quickWork(() => now)
    const ends = new Map<string, { at: number; end: () => void }>()
    const flood = (): void => {
      for (const [i, user] of ['mal', 'meg', 'max'].entries()) {
        if ((ends.get(user)?.at ?? 0) > now) continue
        ends.get(user)?.end()
        ends.delete(user)
        const end = work.take(user, MOST * 2)
        if (end !== undefined) ends.set(user, { at: now + 300 + i * 10, end })
      }
    }
    const waitedMs = (user: string): number => {
      const since = now
      for (; now < since + 60_000; now += 10) {
        flood()
        if ((now - since) % 1000 === 0 && work.take(user, LARGE) !== undefined) return now - since
      }
      return Number.POSITIVE_INFINITY
    }
    for (; now < 7000; now += 10) flood()
    for (const user of ['zoe', 'ann']) expect(waitedMs(user)).toBeLessThanOrEqual(1000)
  })

  test('leave room for the first of one whose own answers were slow, whatever three others go on asking', () => {
    let now = 0
    const work = createWorkBytes(() => now)
    for (let n = 0; n < 60; n++) {
      const end = work.take('zoe', 2 * SMALL)
      now += n % 2 === 0 ? 60 : 300
      end?.()
    }
    const ends: { at: number; end: () => void }[] = []
    const floodBy = (user: string): void => {
      for (let end = work.take(user, 2 * SMALL); end !== undefined; end = work.take(user, 2 * SMALL))
        ends.push({ at: now + 50, end })
    }
    let taken = 0
    for (const until = now + 20_000; now < until; now += 10) {
      while ((ends[0]?.at ?? Number.POSITIVE_INFINITY) <= now) ends.shift()?.end()
      for (const user of ['ann', 'bob', 'cid']) floodBy(user)
      if (now % 1000 !== 0) continue
      const end = work.take('zoe', 2 * SMALL)
      if (end !== undefined) taken++
      end?.()
    }
    expect(taken).toBeGreaterThanOrEqual(18)
  })

  test('are kept for whoever comes anew once, and not for long: nobody takes room away by asking in vain', () => {
    let now = 0
    const work = quickWork(() => now)
    const ends = new Map<string, (() => void) | undefined>()
    const askAgain = (user: string): void => {
      ends.get(user)?.()
      ends.set(user, work.take(user, MOST * 2))
    }
    for (const user of ['ann', 'bob', 'cid']) askAgain(user)
    expect(work.hasRoom('mal', MOST * 2)).toBe(false)
    ends.get('ann')?.()
    expect(work.hasRoom('ann', LARGE)).toBe(false)
    let keptMs = 0
    for (; !work.hasRoom('ann', LARGE) && keptMs < 60_000; keptMs += 100) {
      now += 100
      for (const user of ['bob', 'cid']) askAgain(user)
      work.hasRoom('mal', MOST * 2)
    }
    expect(keptMs).toBeGreaterThan(1000)
    expect(keptMs).toBeLessThanOrEqual(3000)
  })

  test.each([
    ['take long', 500],
    ['fail at once', 0],
  ])('are no fewer for others where those of one user %s', (_, ms) => {
    let now = 0
    const work = createWorkBytes(() => now)
    const inTurn = (user: string, takesMs: number): void => {
      const end = work.take(user, LARGE)
      now += takesMs
      end?.()
    }
    // ann's disk takes its time, whatever there is to do
    for (let n = 0; n < 200; n++) {
      inTurn('ann', 150)
      inTurn('mal', ms)
    }
    now += 2000
    const ends = Array.from({ length: 4 }, () => work.take('ann', LARGE))
    expect(ends).not.toContain(undefined)
  })

  test.each([
    ['at once', 0, 1],
    ['one after the other, and are not answered', 1000, 8],
  ])('are bounded in all, however many ask %s', (_, ms, rooms) => {
    let now = 0
    const work = quickWork(() => now)
    let taken = 0
    for (let n = 0; n < 1000; n++) {
      if (work.take(`user-${n}`, LARGE) !== undefined) taken += LARGE
      now += ms
    }
    expect(taken).toBeLessThanOrEqual(rooms * MOST + LARGE)
  })

  test('leave room for small ones, of each user a share', () => {
    const work = quickWork()
    for (let n = 0; n < 4; n++) work.take('ann', LARGE)
    let taken = 0
    while (work.take('ann', SMALL) !== undefined) taken += SMALL
    expect(taken).toBe(LIMITS.smallWorkBytes.value)
    expect(work.take('bob', SMALL)).toBeDefined()
  })
})
