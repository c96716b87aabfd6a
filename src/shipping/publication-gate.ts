import { BridgeError } from '../domain/errors.ts'

/**
 * Many read at once, or one publishes: what an answer sees is published before it or after it, never halfway.
 * Turns are taken in the order in which they were asked for, so that neither side waits for ever.
 */
export interface PublicationGate {
  /** Throws SOURCE_UNAVAILABLE where a publication takes too long: the files can answer instead. */
  read<T>(run: () => Promise<T>): Promise<T>
  /** `switches`: what readers see becomes less, or another thing; not where something is added alone. */
  publish<T>(run: () => Promise<T>, switches?: boolean): Promise<T>
  /** Runs what changes nothing that readers see: they do not wait, those that publish do. */
  aside<T>(run: () => Promise<T>): Promise<T>
  /** Something is being switched: what holds now does not hold any more when an answer begins. */
  isSwitching(): boolean
}

/** A publication takes some 50 ms; one that takes longer than this waits for a database that does not answer. */
const MAX_WAIT_MS = 2000

export function createPublicationGate(maxWaitMs = MAX_WAIT_MS): PublicationGate {
  /** Those that read, without what they read. */
  const readers = new Set<Promise<void>>()
  let lastPublication: Promise<void> = Promise.resolve()
  let lastAside: Promise<void> = Promise.resolve()
  let isSwitching = false
  const settled = (promise: Promise<unknown>): Promise<void> =>
    promise.then(
      () => undefined,
      () => undefined,
    )
  return {
    read(run) {
      const result = within(lastPublication, maxWaitMs).then(run)
      const reading = settled(result)
      readers.add(reading)
      void reading.then(() => readers.delete(reading))
      return result
    },
    publish(run, switches = false) {
      const before = [lastPublication, lastAside, ...readers]
      const result = Promise.all(before).then(async () => {
        isSwitching = switches
        try {
          return await run()
        } finally {
          isSwitching = false
        }
      })
      lastPublication = settled(result)
      return result
    },
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
