import { channel } from 'node:diagnostics_channel'

/** Something that outlives the process is about to be done, or was just done. */
export interface Moment {
  /**
   * `ledger KIND`, `journal frame`, `journal head`, `statement NAME`, `alert NAME EVENT` (it is journaled) or
   * `telling NAME EVENT` (somebody is told).
   */
  name: string
  when: 'before' | 'after'
}

/** Where moments are told, for Node's `diagnostics_channel`. */
export const MOMENTS = 'token-bridge:moment'

const moments = channel(MOMENTS)

/**
 * Tells whoever listens that the process comes to a moment at which its end would be dangerous. The tests kill it there;
 * nobody listens otherwise, and it costs nothing.
 */
export function tellMoment(name: string, when: Moment['when']): void {
  if (moments.hasSubscribers) moments.publish({ name, when } satisfies Moment)
}
