/** Between two looks, in milliseconds. */
const PAUSE = { least: 10, most: 250 }

/**
 * Waits until `check` gives a value, and fails after `seconds`. Between two looks it waits for twice as long as a look
 * takes: a look that is a question to a server must not take from it the time that it needs to get there.
 */
export async function until<T>(
  what: string,
  check: () => Promise<T | undefined> | T | undefined,
  seconds = 60,
): Promise<T> {
  const deadline = performance.now() + seconds * 1000
  for (;;) {
    const began = performance.now()
    const value = await check()
    if (value !== undefined) return value
    const now = performance.now()
    if (now > deadline) throw new Error(`waited ${seconds} seconds for ${what}`)
    const pause = Math.min(Math.max(2 * (now - began), PAUSE.least), PAUSE.most)
    await new Promise((resolve) => setTimeout(resolve, pause))
  }
}
