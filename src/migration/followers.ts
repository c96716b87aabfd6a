/** Tells those who follow something that it has changed: at most every `intervalMs`, and its end for certain. */
export interface Followers<Key> {
  tell(key: Key): void
  /** Gives what `read` gives at once, and whenever it has changed, up to and including the one that `isLast`. */
  follow<Value>(key: Key, read: () => Value, isLast: (value: Value) => boolean): AsyncIterableIterator<Value>
  /** Ends everybody who follows. */
  close(): void
}

const INTERVAL_MS = 250

export function createFollowers<Key>(intervalMs = INTERVAL_MS): Followers<Key> {
  const followers = new Map<Key, Set<() => void>>()
  const ends = new Set<() => void>()
  return {
    close() {
      for (const end of ends) end()
    },
    tell(key) {
      for (const wake of followers.get(key) ?? []) wake()
    },
    follow(key, read, isLast) {
      const all = followers.get(key) ?? new Set()
      followers.set(key, all)
      let changed = Promise.withResolvers<void>()
      changed.resolve()
      let ended = false
      let timer: NodeJS.Timeout | undefined
      const wake = (): void => {
        timer ??= setTimeout(() => {
          timer = undefined
          changed.resolve()
        }, intervalMs)
      }
      const end = (): void => {
        ended = true
        clearTimeout(timer)
        all.delete(wake)
        ends.delete(end)
        changed.resolve()
      }
      all.add(wake)
      ends.add(end)
      // not a generator: `close` could not end one that waits
      return {
        async next() {
          await changed.promise
          changed = Promise.withResolvers()
          if (ended) return { done: true, value: undefined }
          const value = read()
          if (isLast(value)) end()
          return { done: false, value }
        },
        async return() {
          end()
          return { done: true, value: undefined }
        },
        [Symbol.asyncIterator]() {
          return this
        },
      }
    },
  }
}
