import { existsSync, realpathSync } from 'node:fs'
import watcher, { type AsyncSubscription } from '@parcel/watcher'
import type { Root } from '../../transcripts/roots.ts'

/** Notices changes under the roots. Watchers miss things: a periodic rescan stands beside it. */
export interface Watching {
  /** Watches roots that exist and are not watched yet. */
  extend(): Promise<void>
  /** Why some root is not watched; `undefined` while all that exist are. */
  problem(): string | undefined
  close(): Promise<void>
}

export function watchRoots(
  roots: readonly Root[],
  onChange: () => void,
  onProblem: (problem: string) => void,
): Watching {
  const subscriptions = new Map<string, AsyncSubscription>()
  let problem: string | undefined
  let extending: Promise<void> | undefined
  let closed = false

  const failed = (error: Error): void => {
    if (problem !== error.message) onProblem(error.message)
    problem = error.message
  }

  const extend = async (): Promise<void> => {
    for (const { path } of roots) {
      if (closed || subscriptions.has(path) || !existsSync(path)) continue
      try {
        // a root may be a symbolic link, which the system does not watch through
        const watched = await watcher.subscribe(realpathSync(path), (error) =>
          error === null ? onChange() : failed(error),
        )
        subscriptions.set(path, watched)
        problem = undefined
        // what happened before it was watched
        onChange()
      } catch (error) {
        failed(error as Error)
      }
    }
  }

  return {
    extend() {
      extending ??= extend().finally(() => {
        extending = undefined
      })
      return extending
    },
    problem: () => problem,
    async close() {
      closed = true
      await extending
      await Promise.all([...subscriptions.values()].map((subscription) => subscription.unsubscribe()))
      subscriptions.clear()
    },
  }
}
