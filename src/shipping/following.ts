import { BridgeError } from '../domain/errors.ts'
import type { LedgerMark, LedgerTable } from '../ports/ledger-table.ts'
import type { LogState } from '../ports/logs.ts'
import { factsOf, type LedgerFacts, type LogNames, namesOf } from './ledger.ts'
import { type DatabaseLosses, emptyShared } from './shared-entries.ts'
import { readOn } from './shared-ledger.ts'

/** What somebody publishes, followed by whoever reads alone: no right is needed for it. */
export interface Following {
  /** As it was looked at last. */
  ledger: LedgerFacts & LogNames
  /**
   * Runs what reads the database, so that all that it sees is of one moment: where something was published meanwhile, it
   * is run again. Throws SOURCE_UNAVAILABLE where that is so each time: the files can answer instead.
   */
  read<T>(run: () => Promise<T>): Promise<T>
  /** Looks what was published since; returns whether there was something. */
  refresh(): Promise<boolean>
  /** Settles when the logs are not told any more where they stand: somebody else tells them, until `resume`. */
  pause(): Promise<void>
  /** Looks at everything anew, and tells the logs. Where that fails, the next look does. */
  resume(): Promise<void>
  /** What the database has lost, as its publisher found. */
  losses(): DatabaseLosses
  /** It was looked at in the last second: before, what readers see may have been changed unnoticed. */
  isFresh(): boolean
  /** Why the last look failed; `undefined` where it did not. */
  problem(): string | undefined
}

export interface FollowingOptions {
  table: LedgerTable
  logs: { update(states: readonly LogState[]): Promise<void> }
}

/** An answer is of something that was looked at so lately (promise: other instances learn within a second). */
const MAX_AGE_MS = 1000
const ATTEMPTS = 3
/** A publication takes some 50 ms; a repair or a rollback takes as long as it takes. */
const MAX_WAIT_MS = 2000
const LOOK_AGAIN_MS = 25

export function createFollowing({ table, logs }: FollowingOptions): Following {
  let state = emptyShared()
  let lookedAt = Number.NEGATIVE_INFINITY
  let isPaused = false
  /** What was read is not what the logs were told last: everything is read anew. */
  let beginsAnew = false
  /** What was read is known here, and not to the logs yet. */
  let isApplying = false

  const look = async (): Promise<boolean> => {
    const startedAt = performance.now()
    // what was known is told until all of it was read
    const isAnew = beginsAnew
    const of = isAnew ? emptyShared() : state
    const { moved, isChanged } = await readOn(table, of)
    isApplying = !isPaused && moved.length > 0
    try {
      if (isApplying) await logs.update(moved)
    } finally {
      isApplying = false
    }
    state = of
    if (isAnew) beginsAnew = false
    lookedAt = startedAt
    return isChanged
  }
  const { refresh, underWay, problem } = oneAtATime(look)
  const isFresh = (): boolean => !isApplying && !beginsAnew && performance.now() - lookedAt < MAX_AGE_MS
  /** Waits until nothing is on its way, and returns where that is. */
  const whenSettled = async (): Promise<LedgerMark> => {
    await underWay()
    if (!isFresh()) await refresh()
    for (const end = performance.now() + MAX_WAIT_MS; state.changing !== undefined; await refresh()) {
      if (performance.now() > end) throw unavailable('a publication has not ended')
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS))
    }
    return state.mark
  }

  return {
    ledger: { ...factsOf(() => state.facts), ...namesOf(() => state.ledger) },
    async read(run) {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const before = await whenSettled()
        const result = await run()
        const after = await table.head()
        if (after.epoch === before.epoch && after.number === before.number) return result
        await refresh()
      }
      throw unavailable('something was published each time that it was asked')
    },
    refresh,
    async pause() {
      isPaused = true
      await underWay()?.catch(() => undefined)
    },
    async resume() {
      beginsAnew = true
      await underWay()?.catch(() => undefined)
      isPaused = false
      // the first one may join a look that began before everything was to be read anew
      for (let look = 0; look < 2 && beginsAnew; look++) await refresh().catch(() => undefined)
    },
    losses: () => state.losses,
    isFresh,
    problem,
  }
}

/** One look at a time, for all that ask meanwhile, and why the last one failed. */
function oneAtATime(look: () => Promise<boolean>) {
  let looking: Promise<boolean> | undefined
  let problem: string | undefined
  const lookOnce = async (): Promise<boolean> => {
    try {
      const isChanged = await look()
      problem = undefined
      return isChanged
    } catch (error) {
      problem = (error as Error).message
      throw error
    } finally {
      looking = undefined
    }
  }
  return {
    refresh: (): Promise<boolean> => (looking ??= lookOnce()),
    underWay: () => looking,
    problem: () => problem,
  }
}

const unavailable = (why: string): BridgeError => new BridgeError('SOURCE_UNAVAILABLE', `${why}: try again`)
