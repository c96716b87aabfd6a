import { setImmediate as nextTurn } from 'node:timers/promises'
import type { JournalHeads } from './heads.ts'
import type { SegmentReader } from './segments.ts'
import type { ToldHead, ToldHeads } from './told-heads.ts'

/** Reads on at once where other instances have acknowledged more than was read. */
export interface CatchingUp {
  /** Settles when everything was read, or found to be lost, that others had acknowledged when it was called. */
  whenCurrent(): Promise<void>
  /** At the last look something was found to be lost. */
  isBehind(): boolean
  /** Up to where a segment of another instance was told to be acknowledged, as far as it was looked at; else 0. */
  toldTo(segment: string): number
}

export interface CatchingUpParts {
  told: Pick<ToldHeads, 'others'>
  reader: Pick<SegmentReader, 'extents' | 'readOne'>
  heads: Pick<JournalHeads, 'all' | 'set'>
  /** Reads what is new in all segments. Never rejects. */
  readAll(): Promise<void>
  /** Runs while nothing else is read. */
  inTurn(run: () => Promise<void>): Promise<void>
}

export function createCatchingUp({ told, reader, heads, readAll, inTurn }: CatchingUpParts): CatchingUp {
  /** The segment of each instance that was read last. */
  const segments = new Map<string, string>()
  const toldTo = new Map<string, number>()
  let isBehind = false
  let looking: Promise<void> | undefined

  const isUnread = ({ segment, to }: ToldHead): boolean => (reader.extents().get(segment)?.readTo ?? 0) < to
  const look = (): [string, ToldHead | undefined][] => {
    const all = told.others()
    for (const [, head] of all) if (head !== undefined) toldTo.set(head.segment, head.to)
    return all
  }
  const unread = () => look().filter(([, head]) => head === undefined || isUnread(head))

  const read = async (instance: string, head: ToldHead | undefined): Promise<void> => {
    // the end of the segment before this one may not have been read either
    if (head === undefined || segments.get(instance) !== head.segment) await readAll()
    // one that is gone is lost
    else await reader.readOne(head.segment).catch(() => undefined)
    if (head !== undefined) segments.set(instance, head.segment)
  }
  const catchUp = async (): Promise<void> => {
    if (unread().length > 0)
      await inTurn(async () => {
        for (const [instance, head] of unread()) await read(instance, head)
      })
    const lost = unread().flatMap(([, head]) => head ?? [])
    // in one step: who asks meanwhile is told what the look before this one found
    isBehind = lost.length > 0
    for (const head of lost) noteLost(heads, head)
  }
  return {
    // one look a turn of the event loop, after the questions that have come
    whenCurrent() {
      looking ??= nextTurn().then(() => {
        looking = undefined
        return catchUp()
      })
      return looking
    },
    isBehind: () => isBehind,
    toldTo: (segment) => toldTo.get(segment) ?? 0,
  }
}

/** What was acknowledged and cannot be read counts as lost, and makes answers stale. */
function noteLost(heads: CatchingUpParts['heads'], { segment, to, records }: ToldHead): void {
  if ((heads.all().get(segment)?.to ?? 0) >= to) return
  try {
    heads.set(segment, { to, records })
  } catch {
    // it is known in memory, and noted with the next one
  }
}
