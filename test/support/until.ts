/** Waits until `check` gives a value, looking again every few milliseconds; fails after `seconds`. */
export async function until<T>(
  what: string,
  check: () => Promise<T | undefined> | T | undefined,
  seconds = 60,
): Promise<T> {
  const deadline = performance.now() + seconds * 1000
  for (;;) {
    const value = await check()
    if (value !== undefined) return value
    if (performance.now() > deadline) throw new Error(`waited ${seconds} seconds for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
