import { existsSync } from 'node:fs'
import watcher, { type AsyncSubscription } from '@parcel/watcher'
import type { Root } from './roots.ts'

/** Notices changes under the roots. Watchers miss things: a periodic rescan stands beside it. */
export interface Watching {
  /** Watches roots that exist and are not watched yet. */
  extend(): Promise<void>
  /** Why some root is not watched; `undefined` while all that exist are. */
  problem(): string | undefined
  close(): Promise<void>
}

export function watchRoots(roots: readonly Root[], onChange: () => void): Watching {
  const subscriptions = new Map<string, AsyncSubscription>()
  let problem: string | undefined
  return {
    async extend() {
      for (const { path } of roots) {
        if (subscriptions.has(path) || !existsSync(path)) continue
        try {
          const subscription = await watcher.subscribe(path, (error) => {
            if (error === null) return onChange()
            problem = error.message
          })
          subscriptions.set(path, subscription)
          problem = undefined
        } catch (error) {
          problem = (error as Error).message
        }
      }
    },
    problem: () => problem,
    async close() {
      await Promise.all([...subscriptions.values()].map((subscription) => subscription.unsubscribe()))
      subscriptions.clear()
    },
  }
}
