/** What was counted lately, in spans of some seconds: what is older is forgotten. */
export interface Recent {
  /** Counts one; `value`: how long it took. */
  note(value?: number): void
  count(): number
  /** So many of all are no larger, 0 to 1; `undefined` where there were none. To the next whole one of three digits. */
  quantile(share: number): number | undefined
  largest(): number | undefined
}

const SPANS = 30

export function createRecent(windowMs: number, now: () => number): Recent {
  const spanMs = windowMs / SPANS
  /** By the number of a span: how often each value occurred. */
  const spans = new Map<number, Map<number, number>>()
  const lately = (): Map<number, number>[] => {
    const oldest = Math.floor((now() - windowMs) / spanMs)
    for (const number of spans.keys()) if (number <= oldest) spans.delete(number)
    return [...spans.values()]
  }
  const values = (): [value: number, count: number][] => {
    const all = new Map<number, number>()
    for (const span of lately()) for (const [value, count] of span) all.set(value, (all.get(value) ?? 0) + count)
    return [...all].sort(([a], [b]) => a - b)
  }
  const total = (): number => lately().reduce((sum, span) => sum + [...span.values()].reduce((a, b) => a + b, 0), 0)
  return {
    note(value = 0) {
      const number = Math.floor(now() / spanMs)
      const span = spans.get(number) ?? new Map<number, number>()
      if (!spans.has(number)) lately()
      spans.set(number, span)
      const kept = rounded(value)
      span.set(kept, (span.get(kept) ?? 0) + 1)
    },
    count: total,
    quantile(share) {
      const rank = Math.ceil(share * total())
      let seen = 0
      for (const [value, count] of values()) {
        seen += count
        if (seen >= rank) return value
      }
      return undefined
    },
    largest: () => values().at(-1)?.[0],
  }
}

/** Few different values are kept, however many there are: whole ones of three digits, never smaller than they were. */
function rounded(value: number): number {
  const step = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, value))) - 2)
  return Math.ceil(value / step) * step
}
