import { journalKey } from '../domain/log-name.ts'
import type { JournalPlace } from '../ports/journal.ts'
import type { LedgerFacts } from './ledger.ts'

/** What was acknowledged and cannot be read in the database yet. */
export interface Pending {
  /** Of the journal. */
  bytes: number
  /** Milliseconds since 1970: when the oldest of it was acknowledged; `undefined` where there is nothing. */
  since: number | undefined
}

/** How long it takes from the acknowledgement of records until readers of the database see them. */
export interface Visibility {
  /** An entry was acknowledged, or is read at the start. */
  acknowledged(place: JournalPlace, at: number): void
  pending(): Pending
  close(): void
}

export interface VisibilityOptions {
  /** What is published, as far as is known; `undefined` while there is no database. */
  ledger: () => Pick<LedgerFacts, 'state'> | undefined
  /** Records can be read now that were acknowledged so long ago. */
  onVisible: (seconds: number) => void
  now?: () => number
}

/** Entries up to one byte of a segment, the first of which was acknowledged at this time. */
interface Mark {
  from: number
  to: number
  at: number
  /** It is known that it was not published when it was looked at: how long it took can be told. */
  wasPending: boolean
}

/** Between two looks, while something is pending. */
const LOOK_MS = 100
/** Of a segment: what comes after them is told as one with the last. */
const MAX_MARKS = 1000

export function createVisibility({ ledger, onVisible, now = Date.now }: VisibilityOptions): Visibility {
  const marks = new Map<string, Mark[]>()
  const look = (): void => {
    const known = ledger()
    if (known === undefined) return
    for (const [segment, ofSegment] of marks) {
      const to = known.state(journalKey(segment))?.publishedTo ?? 0
      const left = ofSegment.findIndex((mark) => mark.to > to)
      const gone = ofSegment.splice(0, left < 0 ? ofSegment.length : left)
      for (const { at, wasPending } of gone) if (wasPending) onVisible(Math.max(0, now() - at) / 1000)
      for (const mark of ofSegment) mark.wasPending = true
      if (ofSegment.length === 0) marks.delete(segment)
    }
    if (marks.size === 0) stop()
  }
  let timer: NodeJS.Timeout | undefined
  const stop = (): void => {
    clearInterval(timer)
    timer = undefined
  }
  const start = (): void => {
    timer ??= setInterval(look, LOOK_MS)
    timer.unref()
  }
  return {
    acknowledged({ segment, from, to }, at) {
      const ofSegment = marks.get(segment) ?? []
      marks.set(segment, ofSegment)
      const last = ofSegment.at(-1)
      if (last !== undefined && ofSegment.length >= MAX_MARKS) last.to = to
      // what is read at the start may be published already, and be a year old
      else ofSegment.push({ from, to, at, wasPending: now() - at < LOOK_MS })
      start()
    },
    pending() {
      look()
      const all = [...marks.values()].flat()
      if (all.length === 0) return { bytes: 0, since: undefined }
      return {
        bytes: all.reduce((sum, { from, to }) => sum + to - from, 0),
        since: all.reduce((oldest, { at }) => Math.min(oldest, at), Number.POSITIVE_INFINITY),
      }
    },
    close: stop,
  }
}
