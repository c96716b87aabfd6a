/**
 * Many read at once, or one publishes: what an answer sees is published before it or after it, never halfway.
 * Turns are taken in the order in which they were asked for, so that neither side waits for ever.
 */
export interface PublicationGate {
  read<T>(run: () => Promise<T>): Promise<T>
  publish<T>(run: () => Promise<T>): Promise<T>
}

export function createPublicationGate(): PublicationGate {
  let readers: Promise<unknown>[] = []
  let lastPublication: Promise<unknown> = Promise.resolve()
  const settled = (promise: Promise<unknown>): Promise<unknown> => promise.catch(() => undefined)
  return {
    read(run) {
      const result = lastPublication.then(run)
      readers.push(settled(result))
      return result
    },
    publish(run) {
      const before = [lastPublication, ...readers]
      readers = []
      const result = Promise.all(before).then(run)
      lastPublication = settled(result)
      return result
    },
  }
}
