/** Work that may be interrupted wherever it yields. What it reads must not change meanwhile, or it reads a snapshot. */
export type Work<T> = Generator<undefined, T, undefined>

/** Carries work out to its end at once. */
export function finished<T>(work: Work<T>): T {
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
  }
}

/** Work that is too short to be interrupted. */
// biome-ignore lint/correctness/useYield: it ends at once
export function* inOneStep<T>(run: () => T): Work<T> {
  return run()
}
