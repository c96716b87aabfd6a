import type { SharedCounts, Use } from '../ports/budgets.ts'

/** What a caller has used in the window that lasts until `endsAt`. */
export interface Used {
  /** At all instances, as was heard last. */
  total: number
  /** At this one, since. */
  untold: number
  /** Milliseconds since 1970. */
  endsAt: number
}

export const usedBy = ({ total, untold }: Used): number => total + untold

/** Tells other instances what callers have used here, and hears what they have used there. */
export interface Sharing {
  /** Something was used: what it comes to everywhere stands in `used` soon. */
  note(key: string, windowMs: number, used: Used): void
  close(): void
}

export interface SharingOptions {
  counts: SharedCounts
  everyMs?: number
  now?: () => number
}

/** What comes within this time at several instances can be more than the budget. */
const EVERY_MS = 100
/** Callers that are told of at a time. */
const AT_ONCE = 1000
/** Callers that wait to be told of, as where nobody can be asked; of more than that, others hear later. */
const MOST_WAITING = 10_000

/** Where others cannot be asked what was not told is told later, as long as it counts. */
export function createSharing({ counts, everyMs = EVERY_MS, now = Date.now }: SharingOptions): Sharing {
  const waiting = new Map<string, { used: Used; windowMs: number }>()
  let timer: NodeJS.Timeout | undefined
  let isClosed = false

  const tell = async (): Promise<void> => {
    const batch = [...waiting].slice(0, AT_ONCE).filter(([key, { used }]) => {
      waiting.delete(key)
      return used.endsAt > now() && used.untold !== 0
    })
    const uses = batch.map(([key, { used, windowMs }]): Use => ({ key, windowMs, amount: used.untold }))
    if (uses.length === 0) return
    try {
      const totals = await counts.add(uses)
      for (const [index, { total, leftMs }] of totals.entries()) {
        const [, { used }] = batch[index] as (typeof batch)[number]
        used.total = total
        used.untold -= (uses[index] as Use).amount
        used.endsAt = now() + leftMs
      }
    } catch {
      for (const [key, one] of batch) if (!waiting.has(key)) waiting.set(key, one)
    }
  }
  const tellLater = (): void => {
    if (isClosed || timer !== undefined || waiting.size === 0) return
    timer = setTimeout(async () => {
      await tell()
      timer = undefined
      tellLater()
    }, everyMs)
    timer.unref()
  }

  return {
    note(key, windowMs, used) {
      if (!waiting.has(key) && waiting.size >= MOST_WAITING) return
      waiting.set(key, { used, windowMs })
      tellLater()
    },
    close() {
      isClosed = true
      clearTimeout(timer)
      counts.close()
    },
  }
}
