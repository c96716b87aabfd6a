import type { IncomingMessage } from 'node:http'
import type { BodiesOptions } from './bodies.ts'
import { createRequestBytes } from './request-bytes.ts'

/** Room for requests that have arrived whole before anybody decided about them. */
export interface WholeBodies {
  /**
   * Takes room for a request of `user`, which is worked on from here. `undefined` where `guardBodies` refuses it: then
   * nothing is counted of it, and it is to be refused there.
   */
  take(request: IncomingMessage, user: string, body: Buffer | undefined): TakenBody | undefined
}

export interface TakenBody {
  /** It is answered. */
  end(): void
  /** It goes to `guardBodies` after all: nothing was counted of it. */
  giveBack(): void
}

/** Decides as `guardBodies` does, at once. */
export function createWholeBodies({
  room,
  addressOf,
  budget,
}: Pick<BodiesOptions, 'room' | 'addressOf' | 'budget'>): WholeBodies {
  const takeRoom = (request: IncomingMessage, user: string, bytes: number): (() => void) | undefined => {
    const taken = createRequestBytes(room, { user, address: addressOf(request), bytes })
    if (taken.add(bytes) && taken.arrive()) return taken.end
    taken.end()
    return undefined
  }
  return {
    take(request, user, body) {
      const refused = budget.refusal(user, body?.length ?? 0)
      if (refused !== undefined) {
        room.refused.set(request, refused)
        return undefined
      }
      const bytes = body?.length ?? request.url?.length ?? 0
      const end = body === undefined ? room.work.take(user, bytes) : takeRoom(request, user, bytes)
      if (end === undefined) return undefined
      budget.add(user, bytes)
      return {
        end,
        giveBack() {
          end()
          budget.add(user, -bytes)
        },
      }
    },
  }
}
