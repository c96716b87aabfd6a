import { createWorkRoom, type WorkRoom } from './work-room.ts'

/** Milliseconds for which room is kept for a user who was refused, and is expected to come back. */
const REMEMBER_MS = 1000
/** Milliseconds after which it is forgotten how quickly a user was answered. */
const FORGET_MS = 60_000
/** What one user can take of the room, as others see it: so nobody fills it alone, however large a request is. */
const MOST_OF_ONE = 1 / 2

/** A user who sends large requests. */
export interface Sender {
  /** Of requests that are worked on. */
  bytes: number
  seenAt: number
  /** As large as this user's own answers are quick: who asks what takes long, or fails at once, changes it for nobody else. */
  readonly room: WorkRoom
}

export interface Senders {
  /** The user asks now. */
  seen(user: string): Sender
  /** Users who have something in work, or asked lately. */
  active(): number
  /** Whether there is room for the first request of a user, whatever its size. */
  leaveRoomFor(sender: Sender): boolean
}

export function createSenders(now: () => number): Senders {
  const senders = new Map<string, Sender>()
  /** Who comes begins with the room that somebody has: the machine is known to be as quick as that. */
  const newRoom = (): WorkRoom => {
    const known = [...senders.values()].map(({ room }) => room.bytes())
    return known.length === 0 ? createWorkRoom() : createWorkRoom(Math.max(...known))
  }
  return {
    seen(user) {
      const since = now() - FORGET_MS
      for (const [name, sender] of senders) if (isIdleSince(sender, since)) senders.delete(name)
      const sender = senders.get(user) ?? { bytes: 0, seenAt: 0, room: newRoom() }
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
    leaveRoomFor({ room }) {
      const most = room.bytes() * MOST_OF_ONE
      let taken = 0
      for (const { bytes } of senders.values()) taken += Math.min(bytes, most)
      return taken <= room.bytes()
    },
  }
}

const isIdleSince = ({ bytes, seenAt }: Sender, since: number): boolean => bytes === 0 && seenAt < since
