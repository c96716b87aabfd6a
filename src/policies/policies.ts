// How the service behaves towards what it depends on: the table of docs/policies.md, which a test holds against this one.

/** What the service depends on beside its own disk. */
export type Dependency = 'clickhouse' | 'redis' | 'unleash' | 'keys'

export interface Breaker {
  /** Failures in a row that open it; only those count that say that the dependency is away. */
  failures: number
  /** Milliseconds for which every call fails at once then. */
  openMs: number
  /** Calls that decide after that: it closes when all of them succeed, and opens again when one fails. */
  trials: number
}

/** What calls of one kind may take. */
export interface Policy {
  /** The calls. */
  about: string
  /** Milliseconds, all attempts and what it waits for included. */
  deadlineMs: number
  /** Of a call that may be repeated, while the dependency is away; any other call is made once. */
  attempts: number
  /**
   * Absent: whoever calls comes again by a rhythm of its own, so that it is the first to notice that the dependency is
   * back.
   */
  breaker: Breaker | undefined
  /** Calls at once. */
  atOnce: number
  /** Calls that wait for one of these to end; more fail at once. */
  waiting: number
}

/** Doubled from attempt to attempt; of each wait, half is by chance. */
export interface Waits {
  firstMs: number
  longestMs: number
}

const BREAKER: Breaker = { failures: 5, openMs: 30_000, trials: 3 }

/** Between the attempts of a call. */
export const BETWEEN_ATTEMPTS: Waits = { firstMs: 100, longestMs: 1000 }
/** Between the attempts of whoever publishes, which go on for as long as it takes. */
export const BETWEEN_PUBLICATIONS: Waits = { firstMs: 500, longestMs: 30_000 }
/** How often each dependency is asked how it is. */
export const HEALTH_EVERY_MS = 30_000

export const POLICIES = {
  clickhouse: {
    question: {
      about: 'statements of a question, which waits in turn with those of other users',
      deadlineMs: 15_000,
      attempts: 3,
      breaker: BREAKER,
      atOnce: 5,
      waiting: 0,
    },
    work: {
      about:
        'statements of whoever publishes, and of operators; what is written is never repeated unseen, but read back',
      deadlineMs: 60_000,
      attempts: 3,
      breaker: undefined,
      atOnce: 2,
      waiting: 100,
    },
    look: {
      about: 'looks for what others published, every 250 ms; signs of life, every 2 s; the right to publish',
      deadlineMs: 5000,
      attempts: 1,
      breaker: undefined,
      atOnce: 2,
      waiting: 20,
    },
    aside: {
      about: 'health; ends statements that nobody waits for any more',
      deadlineMs: 2000,
      attempts: 1,
      breaker: undefined,
      atOnce: 1,
      waiting: 20,
    },
  },
  redis: {
    command: {
      about: 'an answer that is looked up or kept; where it fails, the answer is computed',
      deadlineMs: 250,
      attempts: 1,
      breaker: BREAKER,
      atOnce: 9,
      waiting: 100,
    },
    counts: {
      about: 'what callers have used, told and heard every 100 ms; where it fails, each instance counts by itself',
      deadlineMs: 250,
      attempts: 1,
      breaker: BREAKER,
      atOnce: 1,
      waiting: 0,
    },
  },
  unleash: {
    poll: {
      about: 'the flags, every `UNLEASH_REFRESH_INTERVAL_MS`; where it fails, the last known ones count',
      deadlineMs: 10_000,
      attempts: 3,
      breaker: BREAKER,
      atOnce: 1,
      waiting: 0,
    },
  },
  keys: {
    fetch: {
      about: 'each set of keys that others sign by (`AUTH_JWKS_URL`); where it fails, the known ones count for an hour',
      deadlineMs: 5000,
      attempts: 3,
      breaker: BREAKER,
      atOnce: 1,
      waiting: 0,
    },
  },
} as const satisfies Record<Dependency, Record<string, Policy>>

/** What a statement is for. */
export type ClickHouseUse = keyof typeof POLICIES.clickhouse

/** Calls that are left alone for a while when they fail. */
export const BREAKERS = Object.entries(POLICIES).flatMap(([dependency, uses]) =>
  Object.entries(uses)
    .filter(([, { breaker }]: [string, Policy]) => breaker !== undefined)
    .map(([use]) => ({ dependency: dependency as Dependency, use })),
)

type UsesOf<Of extends Dependency> = keyof (typeof POLICIES)[Of] & string
/** A kind of calls: `redis command`. */
export type CallKind = { [Of in Dependency]: `${Of} ${UsesOf<Of>}` }[Dependency]
