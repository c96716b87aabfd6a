import { LIMITS } from '../domain/limits.ts'
import { createSenders, type Sender } from './senders.ts'

const SMALL = LIMITS.smallRequestBytes.value
const MOST_SMALL_OF_USER = LIMITS.smallWorkBytes.value
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
 * room is as large as answers are quick, for each user by their own answers (`work-room.ts`). Only what has arrived
 * whole takes room, and only until it is answered: nobody can hold it by being slow. What a user announces and goes on
 * sending keeps the rest of the same user's waiting, which would be refused when it has arrived. Users who ask at the
 * same time have equal shares of it, and the first request of each is taken however much others have in work, or a
 * moment later (`senders.ts`). Small requests have room of their own, a share a user.
 */
export function createWorkBytes(now: () => number = () => performance.now()): WorkBytes {
  const senders = createSenders(now)
  const small = new Map<string, number>()
  const arriving = new Map<string, Set<{ bytes: number; at: number }>>()
  const expectedOf = (user: string): number => {
    let bytes = 0
    const since = now() - STALLED_MS
    for (const arrival of arriving.get(user) ?? []) if (arrival.at >= since) bytes += arrival.bytes
    return bytes
  }
  const fits = (user: string, bytes: number, expected: number): boolean => {
    if (bytes <= SMALL) return (small.get(user) ?? 0) + bytes <= MOST_SMALL_OF_USER
    const sender = senders.seen(user)
    const mine = sender.bytes + expected
    return mine === 0 ? senders.leaveRoomFor(sender) : mine + bytes <= sender.room.bytes() / senders.active()
  }
  const takeSmall = (user: string, bytes: number) => {
    small.set(user, (small.get(user) ?? 0) + bytes)
    return () => {
      const left = (small.get(user) ?? 0) - bytes
      if (left === 0) small.delete(user)
      else small.set(user, left)
    }
  }
  const takeLarge = (sender: Sender, bytes: number) => {
    const begunAt = now()
    sender.bytes += bytes
    sender.begunAt = begunAt
    sender.refusedAt = undefined
    return () => {
      sender.bytes -= bytes
      sender.room.answered(bytes, begunAt, now())
    }
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
      const end = bytes <= SMALL ? takeSmall(user, bytes) : takeLarge(senders.seen(user), bytes)
      let ended = false
      return () => {
        if (ended) return
        ended = true
        end()
      }
    },
  }
}
