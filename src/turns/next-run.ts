/**
 * For what runs once at a time. Whoever asks gets the outcome of a run that begins after they asked; those who ask before
 * it begins share it.
 */
export function createNextRun<T>(run: () => Promise<T>): () => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  let next: Promise<T> | undefined
  return () => {
    if (next !== undefined) return next
    const asked = last.then(() => {
      next = undefined
      return run()
    })
    next = asked
    last = asked.catch(() => undefined)
    return asked
  }
}
