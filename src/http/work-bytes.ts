import { LIMITS } from '../domain/limits.ts'
import { createWorkRoom } from './work-room.ts'

const SMALL = LIMITS.smallRequestBytes.value
const MOST_SMALL_OF_USER = LIMITS.smallWorkBytes.value
/** Milliseconds for which room is kept for a user who was refused, and is expected to come back. */
const REMEMBER_MS = 1000
/** A body of which nothing has arrived for so long is not expected any more. */
const STALLED_MS = 250

/** A request that is arriving. */
export interface Arrival {
  /** Some more of it is there. */
  goesOn(): void
  end(): void
}

export interface WorkBytes {
  /** Whether a request of `bytes` would be worked on if it arrived now, beside those of its user that are arriving. */
  hasRoom(user: string, bytes: number): boolean
  /** A request that announces `bytes` is being read. */
  expect(user: string, bytes: number): Arrival
  /**
   * Begins to work on a request that has arrived whole; `undefined` where there is no room, else what ends it, once.
   */
  take(user: string, bytes: number): (() => void) | undefined
}

/**
 * Bounds the requests that are worked on at once, so that each is answered in time (promise 2.1): the
 * room is as large as answers are quick (`work-room.ts`). Only what has arrived
 * whole takes room, and only until it is answered: nobody can hold it by being slow. What a user announces and goes on
 * sending keeps the rest of the same user's waiting, which would be refused when it has arrived. Users who ask at the same time
 * have equal shares of it, and the first request of each is taken even where another's work fills it. Small requests
 * have room of their own, a share a user.
 */
export function createWorkBytes(now: () => number = () => performance.now()): WorkBytes {
  const large = new Map<string, { bytes: number; seenAt: number }>()
  const small = new Map<string, number>()
  const arriving = new Map<string, Set<{ bytes: number; at: number }>>()
  const room = createWorkRoom()
  let total = 0
  const seen = (user: string): { bytes: number; seenAt: number } => {
    const at = now()
    for (const [name, { bytes, seenAt }] of large) if (bytes === 0 && seenAt + REMEMBER_MS < at) large.delete(name)
    const mine = large.get(user) ?? { bytes: 0, seenAt: at }
    mine.seenAt = at
    large.set(user, mine)
    return mine
  }
  const expectedOf = (user: string): number => {
    let bytes = 0
    const since = now() - STALLED_MS
    for (const arrival of arriving.get(user) ?? []) if (arrival.at >= since) bytes += arrival.bytes
    return bytes
  }
  const fits = (user: string, bytes: number, expected: number): boolean => {
    if (bytes <= SMALL) return (small.get(user) ?? 0) + bytes <= MOST_SMALL_OF_USER
    const mine = seen(user).bytes + expected
    if (mine === 0) return total <= room.bytes()
    return mine + bytes <= room.bytes() / large.size && total + bytes <= room.bytes()
  }
  const count = (user: string, bytes: number, sign: 1 | -1): void => {
    if (bytes <= SMALL) {
      const mine = (small.get(user) ?? 0) + sign * bytes
      if (mine === 0) small.delete(user)
      else small.set(user, mine)
      return
    }
    total += sign * bytes
    seen(user).bytes += sign * bytes
  }

  return {
    hasRoom: (user, bytes) => fits(user, bytes, expectedOf(user)),
    expect(user, bytes) {
      const all = arriving.get(user) ?? new Set()
      const arrival = { bytes, at: now() }
      arriving.set(user, all.add(arrival))
      return {
        goesOn() {
          arrival.at = now()
        },
        end() {
          all.delete(arrival)
          if (all.size === 0 && arriving.get(user) === all) arriving.delete(user)
        },
      }
    },
    take(user, bytes) {
      if (!fits(user, bytes, 0)) return undefined
      count(user, bytes, 1)
      const begunAt = now()
      let ended = false
      return () => {
        if (ended) return
        ended = true
        count(user, bytes, -1)
        if (bytes > SMALL) room.answered(bytes, begunAt, now())
      }
    },
  }
}
