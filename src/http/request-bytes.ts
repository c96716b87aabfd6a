import type { ReceivedBytes } from './received-bytes.ts'
import type { WorkBytes } from './work-bytes.ts'

/** Whose request it is, and how many bytes its head announces: 0 where it does not say. */
export interface Announced {
  user: string
  address: string
  bytes: number
}

/** What one request takes of the room for all. Once it has ended nothing is counted of it, whatever still arrives. */
export interface RequestBytes {
  /** Adds what has arrived; `false` where there is no room for it. */
  add(bytes: number): boolean
  /** It has arrived whole, and is worked on from here; `false` where there is no room for that. */
  arrive(): boolean
  /** Nothing more will arrive. What is worked on already goes on taking room: nobody stops to work on it. */
  leave(): void
  /** It is answered: everything is given back. May be called again, at any time. */
  end(): void
}

export function createRequestBytes(
  { received, work }: { received: ReceivedBytes; work: WorkBytes },
  { user, address, bytes: announced }: Announced,
): RequestBytes {
  const body = received.open(user, address)
  const arrival = work.expect(user, announced)
  let state: 'receiving' | 'working' | 'ended' = 'receiving'
  let endWork: (() => void) | undefined
  const end = (): void => {
    state = 'ended'
    arrival.end()
    endWork?.()
    body.release()
  }
  return {
    add(bytes) {
      if (state !== 'receiving') return true
      arrival.goesOn()
      return body.add(bytes)
    },
    arrive() {
      if (state !== 'receiving') return true
      arrival.end()
      endWork = work.take(user, body.bytes)
      if (endWork === undefined) return false
      state = 'working'
      return true
    },
    leave() {
      if (state === 'receiving') end()
    },
    end,
  }
}
