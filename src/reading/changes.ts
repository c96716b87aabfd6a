/** Tells those who follow answers when one may be another than before. */
export interface Changes {
  follow(userId: string): Follower
}

/** When a follower is told again, counted from the last time. */
export interface Wait {
  /** Not before; absent: the usual interval. */
  afterMs?: number
  /** At the latest, whether or not anything has changed. */
  withinMs: number
}

export interface Follower {
  /**
   * Settles when an answer may be another than when it settled last: at once for the first time, then at most once an
   * interval, however much has changed meanwhile. `false` at the end. One call at a time.
   */
  next(wait: Wait): Promise<boolean>
  end(): void
}

export interface ChangesOptions {
  /** Everything that answers follow from, as a text. */
  standing: () => string
  /** What those of one user follow from beside it. */
  standingOf: (userId: string) => string
  /** Settles when everything is known that was acknowledged elsewhere before it was called. */
  whenCurrent: () => Promise<void>
  /** Between two looks. */
  lookMs?: number
  intervalMs?: number
}

const LOOK_MS = 250
const INTERVAL_MS = 1000

interface Following {
  userId: string
  /** What was there when it was told last; absent before the first time. */
  told?: string
  toldAt: number
  waiting?: { wait: Wait; tell: (goesOn: boolean) => void }
}

/**
 * One look for all followers, four times a second and only while there are any: it compares a text, and asks no source.
 * What changes between a look and an answer is seen at the next look, so nothing is missed.
 */
export function createChanges(options: ChangesOptions): Changes {
  const { lookMs = LOOK_MS, intervalMs = INTERVAL_MS } = options
  const followers = new Set<Following>()
  let standing = ''
  let isLooking = false

  const standingOf = ({ userId }: Following): string => `${standing} ${options.standingOf(userId)}`
  const tell = (follower: Following, goesOn: boolean): void => {
    const { waiting } = follower
    delete follower.waiting
    if (goesOn) {
      follower.told = standingOf(follower)
      follower.toldAt = performance.now()
    }
    waiting?.tell(goesOn)
  }
  const isDue = (follower: Following): boolean => {
    if (follower.waiting === undefined) return false
    if (follower.told === undefined) return true
    const { afterMs = intervalMs, withinMs } = follower.waiting.wait
    const since = performance.now() - follower.toldAt
    return since >= afterMs && (since >= withinMs || follower.told !== standingOf(follower))
  }
  const look = async (): Promise<void> => {
    while (followers.size > 0) {
      // where others cannot be asked, what is known here may have changed all the same
      await options.whenCurrent().catch(() => undefined)
      standing = options.standing()
      for (const follower of followers) if (isDue(follower)) tell(follower, true)
      await new Promise((resolve) => setTimeout(resolve, lookMs).unref())
    }
    isLooking = false
  }
  const start = (): void => {
    if (isLooking) return
    isLooking = true
    standing = options.standing()
    void look()
  }

  return {
    follow(userId) {
      const follower: Following = { userId, toldAt: 0 }
      followers.add(follower)
      start()
      return {
        next(wait) {
          if (!followers.has(follower)) return Promise.resolve(false)
          return new Promise((resolve) => {
            follower.waiting = { wait, tell: resolve }
            if (follower.told === undefined) tell(follower, true)
          })
        },
        end() {
          followers.delete(follower)
          tell(follower, false)
        },
      }
    },
  }
}
