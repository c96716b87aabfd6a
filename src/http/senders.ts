import { createWorkRoom, type WorkRoom } from './work-room.ts'

/** Milliseconds for which room is kept for a user who was refused, and is expected to come back. */
const REMEMBER_MS = 1000
/** Milliseconds after which it is forgotten how quickly a user was answered. */
const FORGET_MS = 60_000
/** What one user can take of the room, as others see it: so nobody fills it alone, however large a request is. */
const MOST_OF_ONE = 1 / 2
/** Milliseconds after which what a user has in work takes little room of others' first ones: it waits for something else. */
const HELD_MS = 500
/** What is left of it then: all of it together stays bounded, however many users there are. */
const HELD_SHARE = 1 / 8
/** Milliseconds without work after which a user is a newcomer. */
const ABSENT_MS = 5000
/** Milliseconds for which room is kept for a newcomer who was refused: clients come back after a second. */
const KEPT_MS = 2500

/** A user who sends large requests. */
export interface Sender {
  /** Of requests that are worked on. */
  bytes: number
  /** When the last of them began to be worked on; `undefined`: none yet. */
  begunAt: number | undefined
  /** When a newcomer was refused for the first time since then. */
  refusedAt: number | undefined
  seenAt: number
  /** As large as this user's own answers are quick: who asks what takes long, or fails at once, changes it for nobody else. */
  readonly room: WorkRoom
}

export interface Senders {
  /** The user asks now. */
  seen(user: string): Sender
  /** Users who have something in work, or asked lately. */
  active(): number
  /** Whether there is room for the first request of a user, whatever its size. Where not, it is kept for a newcomer. */
  leaveRoomFor(sender: Sender): boolean
}

export function createSenders(now: () => number): Senders {
  const senders = new Map<string, Sender>()
  /** The largest that somebody has: the machine is known to be as quick as that. `undefined` where nobody asks. */
  const largestRoom = (): number | undefined => {
    let largest: number | undefined
    for (const { room } of senders.values()) largest = Math.max(largest ?? 0, room.bytes())
    return largest
  }
  const newSender = (): Sender => {
    const room = createWorkRoom(largestRoom())
    return { bytes: 0, begunAt: undefined, refusedAt: undefined, seenAt: 0, room }
  }
  const isSince = (at: number | undefined, ms: number): boolean => at !== undefined && now() - at < ms
  const isNewcomer = ({ begunAt }: Sender): boolean => !isSince(begunAt, ABSENT_MS)
  /** Once for each, so that nobody takes room away by asking in vain. */
  const isKeptRoom = (): boolean => {
    for (const sender of senders.values()) if (isNewcomer(sender) && isSince(sender.refusedAt, KEPT_MS)) return true
    return false
  }
  return {
    seen(user) {
      const since = now() - FORGET_MS
      for (const [name, sender] of senders) if (isIdleSince(sender, since)) senders.delete(name)
      const sender = senders.get(user) ?? newSender()
      sender.seenAt = now()
      senders.set(user, sender)
      return sender
    },
    active() {
      const since = now() - REMEMBER_MS
      let active = 0
      for (const sender of senders.values()) if (!isIdleSince(sender, since)) active++
      return active
    },
    leaveRoomFor(sender) {
      // not of the user's own: it would be as full with less, and those whose answers were slow would never come in
      const room = largestRoom() ?? sender.room.bytes()
      const most = room * MOST_OF_ONE
      let taken = !isNewcomer(sender) && isKeptRoom() ? most : 0
      for (const { bytes, begunAt } of senders.values())
        taken += Math.min(bytes, most) * (isSince(begunAt, HELD_MS) ? 1 : HELD_SHARE)
      const hasRoom = taken <= room
      if (!hasRoom && isNewcomer(sender)) sender.refusedAt ??= now()
      return hasRoom
    },
  }
}

const isIdleSince = ({ bytes, seenAt }: Sender, since: number): boolean => bytes === 0 && seenAt < since
