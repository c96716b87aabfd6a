/** Decides when to look at the transcripts: after changes, and from time to time, as watchers miss things. */
export interface Looking {
  /** The first look. */
  begin(): void
  /** Something changed on disk. */
  changed(): void
  close(): void
}

export interface LookingOptions {
  /** One look. Never rejects. */
  look(): Promise<void>
  /** Milliseconds between two looks where nothing changes. */
  rescanIntervalMs: number
}

/** Changes come in bursts: wait this long after one before reading. */
const SETTLE_MS = 150
/** A rescan may take at most this share of the time. */
const MAX_RESCAN_SHARE = 0.05

export function createLooking({ look, rescanIntervalMs }: LookingOptions): Looking {
  let closed = false
  let timer: NodeJS.Timeout | undefined
  let dueAt = Number.POSITIVE_INFINITY
  let looking = false
  let changedMeanwhile = false

  const schedule = (afterMs: number): void => {
    const at = Date.now() + afterMs
    // an earlier one is not put off: changes without end must not keep it from happening
    if (closed || at >= dueAt) return
    clearTimeout(timer)
    dueAt = at
    timer = setTimeout(() => void lookNow(), afterMs)
  }

  const lookNow = async (): Promise<void> => {
    dueAt = Number.POSITIVE_INFINITY
    looking = true
    changedMeanwhile = false
    const started = Date.now()
    await look()
    looking = false
    const took = Date.now() - started
    schedule(changedMeanwhile ? SETTLE_MS : Math.max(rescanIntervalMs, took / MAX_RESCAN_SHARE))
  }

  return {
    begin: () => void lookNow(),
    changed() {
      if (looking) changedMeanwhile = true
      else schedule(SETTLE_MS)
    },
    close() {
      closed = true
      clearTimeout(timer)
    },
  }
}
