/** What speaks for or against the database: what comparisons came to, and how it answered users. Of this instance. */
export interface Evidence {
  compared(agreed: boolean): void
  /** A question of a user was put to the database. */
  answered(ms: number, failed: boolean): void
  /** Share of comparisons in which both agreed, 0 to 1; `undefined` where there was none. */
  consistency(): number | undefined
  comparisons(): number
  /** Why the guard must trip; `undefined`: nothing is beyond its line, or not for long enough. To be asked regularly. */
  beyondLine(): string | undefined
  /** What was is over: an operator has seen to it. */
  forget(): void
}

export interface EvidenceOptions {
  /** 95 of 100 answers of the database take no longer. */
  latencyMs: number
  /** Errors and latency are beyond their lines for so long. */
  tripAfterMs: number
  /** Only goes forward: a clock that somebody sets is no time that has passed. */
  now?: () => number
}

interface Counts {
  compared: number
  differed: number
  asked: number
  failed: number
  slow: number
}

/** Where a share becomes too large. */
interface Line {
  part: 'differed' | 'failed' | 'slow'
  of: 'compared' | 'asked'
  most: number
  /** Of the last so many milliseconds. */
  windowMs: number
  /** It counts once it was so for as long, all the time; absent: for `tripAfterMs`. */
  lastsMs?: number
  /** With fewer, chance decides. */
  atLeast: number
  told: (share: string, latencyMs: number) => string
}

const MINUTE_MS = 60_000
const LONGEST_MS = 60 * MINUTE_MS

const LINES: readonly Line[] = [
  {
    part: 'differed',
    of: 'compared',
    most: 0.01,
    windowMs: LONGEST_MS,
    lastsMs: MINUTE_MS,
    atLeast: 100,
    told: (share) => `the sources differ in ${share} of comparisons`,
  },
  {
    part: 'failed',
    of: 'asked',
    most: 0.01,
    windowMs: MINUTE_MS,
    atLeast: 50,
    told: (share) => `${share} of questions to the database fail`,
  },
  {
    part: 'slow',
    of: 'asked',
    most: 0.05,
    windowMs: MINUTE_MS,
    atLeast: 50,
    told: (share, latencyMs) => `${share} of the answers of the database take longer than ${latencyMs} ms`,
  },
]

/** What is counted together. */
const SPAN_MS = 5000

export function createEvidence({ latencyMs, tripAfterMs, now = () => performance.now() }: EvidenceOptions): Evidence {
  /** By the number of their span, the oldest first. */
  const spans = new Map<number, Counts>()
  /** Since when each line is crossed. */
  const since = new Map<Line, number>()
  const current = (): Counts => {
    const number = Math.floor(now() / SPAN_MS)
    const known = spans.get(number)
    if (known !== undefined) return known
    const fresh = { compared: 0, differed: 0, asked: 0, failed: 0, slow: 0 }
    spans.set(number, fresh)
    for (const old of spans.keys()) if (old * SPAN_MS < now() - LONGEST_MS) spans.delete(old)
    return fresh
  }
  /** Of the last whole spans, and the one that is being filled. */
  const sum = (of: keyof Counts, windowMs: number): number => {
    let total = 0
    for (const [number, counts] of spans) if ((number + 1) * SPAN_MS > now() - windowMs) total += counts[of]
    return total
  }
  /** What is beyond it; `undefined`: nothing is, or too little is known. */
  const crossed = (line: Line): string | undefined => {
    const [part, of] = [sum(line.part, line.windowMs), sum(line.of, line.windowMs)]
    if (of < line.atLeast || part <= of * line.most) return undefined
    return line.told(`${((100 * part) / of).toFixed(1)} %`, latencyMs)
  }
  return {
    compared(agreed) {
      current().compared++
      if (!agreed) current().differed++
    },
    answered(ms, failed) {
      current().asked++
      if (failed) current().failed++
      else if (ms > latencyMs) current().slow++
    },
    comparisons: () => sum('compared', LONGEST_MS),
    consistency() {
      const compared = sum('compared', LONGEST_MS)
      return compared === 0 ? undefined : 1 - sum('differed', LONGEST_MS) / compared
    },
    beyondLine() {
      for (const line of LINES) {
        const why = crossed(line)
        if (why === undefined) since.delete(line)
        else if (!since.has(line)) since.set(line, now())
        else if (now() - (since.get(line) as number) >= (line.lastsMs ?? tripAfterMs)) return why
      }
      return undefined
    },
    forget() {
      spans.clear()
      since.clear()
    },
  }
}
