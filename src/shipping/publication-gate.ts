import { setTimeout as sleep } from 'node:timers/promises'
import { BridgeError } from '../domain/errors.ts'

/**
 * Many read at once, or one publishes: what an answer sees is published before it or after it, never halfway.
 * Turns are taken in the order in which they were asked for, so that neither side waits for ever.
 */
export interface PublicationGate {
  /** Throws SOURCE_UNAVAILABLE where a publication takes too long: the files can answer instead. */
  read<T>(run: () => Promise<T>): Promise<T>
  /**
   * The same for what nobody waits for: a publication that adds something lets it end before it takes its turn, so that
   * other readers do not wait for it, but not for ever; one that switches something goes on at once. Throws CONFLICT where
   * something was published meanwhile: then what was read is not of one moment.
   */
  readBriefly<T>(run: () => Promise<T>): Promise<T>
  /** `switches`: what readers see becomes less, or another thing; not where something is added alone. */
  publish<T>(run: () => Promise<T>, switches?: boolean): Promise<T>
  /** Runs what changes nothing that readers see: they do not wait, those that publish do. */
  aside<T>(run: () => Promise<T>): Promise<T>
  /** Something is being switched: what holds now does not hold any more when an answer begins. */
  isSwitching(): boolean
}

/** A publication takes some 50 ms; one that takes longer than this waits for a database that does not answer. */
const MAX_WAIT_MS = 2000
/** How long a publication waits for those that nobody waits for. */
const BRIEFLY_MS = 3000

export function createPublicationGate(maxWaitMs = MAX_WAIT_MS, brieflyMs = BRIEFLY_MS): PublicationGate {
  /** Those that read, without what they read. */
  const readers = new Set<Promise<void>>()
  /** Those that read, and that nobody waits for. */
  const brief = new Set<Promise<void>>()
  /** Publications that have begun. */
  let begun = 0
  let lastPublication: Promise<void> = Promise.resolve()
  let lastAside: Promise<void> = Promise.resolve()
  let isSwitching = false
  const settled = (promise: Promise<unknown>): Promise<void> =>
    promise.then(
      () => undefined,
      () => undefined,
    )
  const entrance = createEntrance(brieflyMs)
  const publish = <T>(run: () => Promise<T>, switches: boolean): Promise<T> => {
    const before = [lastPublication, lastAside, ...readers]
    const result = Promise.all(before).then(async () => {
      begun++
      isSwitching = switches
      try {
        return await run()
      } finally {
        isSwitching = false
      }
    })
    lastPublication = settled(result)
    return result
  }
  return {
    read(run) {
      const result = within(lastPublication, maxWaitMs).then(run)
      const reading = settled(result)
      readers.add(reading)
      void reading.then(() => readers.delete(reading))
      return result
    },
    readBriefly(run) {
      const result = within(lastPublication, maxWaitMs).then(async () => {
        const before = begun
        const found = await run()
        if (begun === before) return found
        throw new BridgeError('CONFLICT', 'something was published meanwhile')
      })
      const reading = settled(result)
      brief.add(reading)
      void reading.then(() => brief.delete(reading))
      return result
    },
    publish: (run, switches = false) => entrance.pass(() => publish(run, switches), switches ? [] : brief),
    aside(run) {
      const result = Promise.all([lastPublication, lastAside]).then(run)
      lastAside = settled(result)
      return result
    },
    isSwitching: () => isSwitching,
  }
}

async function within(promise: Promise<unknown>, ms: number): Promise<void> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => reject(new BridgeError('SOURCE_UNAVAILABLE', `a publication has not ended for ${ms} ms`)),
    ms,
  )
  try {
    await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Where publications wait, in their order, before they take their turn: nobody waits for them there. */
function createEntrance(mostMs: number) {
  let waiting = 0
  let last: Promise<unknown> = Promise.resolve()
  let hurrying = new AbortController()
  return {
    /** Passes at once where nobody is before it and it waits for nobody. Whoever waits for nobody hurries those before it. */
    pass<T>(enter: () => Promise<T>, waitedFor: Iterable<Promise<void>>): Promise<T> {
      const readers = [...waitedFor]
      if (waiting === 0 && readers.length === 0) return enter()
      if (waiting === 0) hurrying = new AbortController()
      if (readers.length === 0) hurrying.abort()
      const { signal } = hurrying
      waiting++
      const turn = Promise.all([last, readers.length === 0 ? undefined : atMost(readers, mostMs, signal)])
      last = turn
      return turn.then(() => {
        waiting--
        return enter()
      })
    },
  }
}

/** Settles when all have, after a while, or when the signal says so. */
async function atMost(waitedFor: readonly Promise<void>[], ms: number, hurry: AbortSignal): Promise<void> {
  const over = new AbortController()
  const signal = AbortSignal.any([over.signal, hurry])
  await Promise.race([Promise.all(waitedFor), sleep(ms, undefined, { signal, ref: false }).catch(() => undefined)])
  over.abort()
}
