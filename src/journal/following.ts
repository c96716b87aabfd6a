import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import { type CatchingUp, createCatchingUp } from './catching-up.ts'
import type { Contents } from './contents.ts'
import type { JournalHeads } from './heads.ts'
import type { SegmentReader } from './segments.ts'
import type { ToldHeads } from './told-heads.ts'

/** Reads the journal's folder: all of it at the start, and again and again what others wrote since. */
export interface Following extends CatchingUp {
  /** Up to where a segment was read at the start; 0 where it was not there. */
  readAtStart(segment: string): number
  /** Settles when all that was there at the start was read. */
  whenRead(): Promise<void>
  isRead(): boolean
  /** Bytes of entries that a crash cut off, as they were found at the start. */
  tornBytes(): number
  /** Why the folder could not be read at the last look; `undefined` where it could. */
  problem(): string | undefined
  /** When the folder was read last, in milliseconds since 1970; `undefined` where it was not read yet. */
  readAt(): number | undefined
  /** Why it could not be noted how far others have acknowledged; `undefined` where it could. */
  headsProblem(): string | undefined
  /** Aborted when it is closed. */
  signal: AbortSignal
  /** Settles when nothing is read any more. */
  close(): Promise<void>
}

export interface FollowingParts {
  reader: SegmentReader
  /** Segments that are written here: their entries are known. */
  own: ReadonlySet<string>
  heads: JournalHeads
  told: ToldHeads
  contents: Contents
  /** Milliseconds between two looks. */
  intervalMs: number
  /** Hears once of each file that is no segment and has the name of one. */
  onOddFile?: ((oddity: string) => void) | undefined
}

export function followJournal({ reader, intervalMs, ...parts }: FollowingParts): Following {
  const closing = new AbortController()
  const { signal } = closing
  let isRead = false
  let atStart: ReadonlyMap<string, number> = new Map()
  let tornBytes = 0
  let readAt: number | undefined
  let problem: string | undefined
  let headsProblem: string | undefined
  let toldOddities: ReadonlySet<string> = new Set()

  /** A folder that is away for a while must not end the server. */
  const look = async (): Promise<void> => {
    const at = Date.now()
    try {
      await reader.read(parts.own, signal)
      readAt = at
      headsProblem = noteHeads(reader, parts)
      problem = undefined
    } catch (error) {
      problem = (error as Error).message
    }
    for (const oddity of reader.oddities()) if (!toldOddities.has(oddity)) parts.onOddFile?.(oddity)
    toldOddities = new Set(reader.oddities())
  }
  let last: Promise<void> = Promise.resolve()
  const inTurn = (run: () => Promise<void>): Promise<void> => {
    last = last.then(run, run)
    return last
  }
  const catchingUp = createCatchingUp({ ...parts, reader, readAll: look, inTurn })
  const readFirst = async (): Promise<void> => {
    // in the next turn, when those who made the journal listen to it
    await nextTurn()
    for (await look(); problem !== undefined; await look()) await pause(intervalMs, undefined, { signal })
    tornBytes = reader.unfinishedBytes()
    atStart = new Map([...reader.extents()].map(([segment, { readTo }]) => [segment, readTo]))
    isRead = true
  }
  const first = readFirst()
  const follow = async (): Promise<void> => {
    await first
    for (;;) {
      await pause(intervalMs, undefined, { ref: false, signal })
      await inTurn(look)
    }
  }
  // it ends when the journal is closed
  const following = follow().catch(() => undefined)

  return {
    ...catchingUp,
    // until it was read to its end once, nothing is answered
    whenCurrent: async () => (isRead ? catchingUp.whenCurrent() : undefined),
    readAtStart: (segment) => atStart.get(segment) ?? 0,
    whenRead: () => first,
    isRead: () => isRead,
    tornBytes: () => tornBytes,
    problem: () => problem,
    readAt: () => (isRead ? readAt : undefined),
    headsProblem: () => headsProblem,
    signal,
    async close() {
      closing.abort()
      await following
    },
  }
}

/**
 * Notes how far other instances have written, which they have acknowledged. Returns why that failed, if it did; it is
 * tried again after the next look.
 */
function noteHeads(reader: SegmentReader, { heads, contents }: Pick<FollowingParts, 'heads' | 'contents'>) {
  try {
    for (const [segment, { readTo }] of reader.extents()) {
      const before = heads.all().get(segment) ?? { to: -1, records: 0 }
      if (readTo <= before.to) continue
      const { records, unreadable } = contents.of(segment)
      // what is damaged had a record each, as far as anybody knows
      heads.set(segment, { to: readTo, records: Math.max(before.records, records + unreadable.length) })
    }
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}
