/** By how much a total that only grows has grown lately. */
export type Growth = (total: number) => number

/** A smaller total than before is one that began anew. */
export function createGrowth(windowMs: number, now: () => number): Growth {
  /** The oldest first; the first one is what there was when the window began. */
  let seen: { at: number; total: number }[] = [{ at: now(), total: 0 }]
  return (total) => {
    if (total < (seen.at(-1)?.total ?? 0)) seen = [{ at: now(), total: 0 }]
    seen.push({ at: now(), total })
    const begins = now() - windowMs
    while ((seen[1]?.at ?? Number.POSITIVE_INFINITY) <= begins) seen.shift()
    return total - (seen[0]?.total ?? 0)
  }
}
