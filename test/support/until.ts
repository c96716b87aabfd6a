/** Waits until `check` gives a value, looking again every few milliseconds; fails after ten seconds. */
export async function until<T>(what: string, check: () => Promise<T | undefined> | T | undefined): Promise<T> {
  const deadline = Date.now() + 10_000
  for (;;) {
    const value = await check()
    if (value !== undefined) return value
    if (Date.now() > deadline) throw new Error(`waited ten seconds for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
