import type { LogState } from '../../ports/logs.ts'

/** What a service was told of the logs' shipping, for one that begins again. */
export interface ToldStates {
  states(): LogState[]
  /** Keys of the logs whose edition is not to be believed, until a later one has taken its place. */
  distrusted(): string[]
  update(states: readonly LogState[]): void
  distrust(keys: readonly string[]): void
}

export function createToldStates(): ToldStates {
  const byKey = new Map<string, LogState>()
  const distrusted = new Map<string, number>()
  return {
    states: () => [...byKey.values()],
    distrusted: () => [...distrusted.keys()],
    update(states) {
      for (const state of states) {
        byKey.set(state.key, state)
        if (state.edition > (distrusted.get(state.key) ?? state.edition)) distrusted.delete(state.key)
      }
    },
    distrust(keys) {
      for (const key of keys) {
        const state = byKey.get(key)
        if (state !== undefined) distrusted.set(key, state.edition)
      }
    },
  }
}
