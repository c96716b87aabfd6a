import { setTimeout as sleep } from 'node:timers/promises'
import type { JournalSign, JournalTable } from '../ports/journal-table.ts'
import { createNextRun } from '../turns/next-run.ts'
import type { JournalLooks, LookedAt } from './journal-looks.ts'
import { SILENT_MS } from './journal-signs.ts'

/** What this instance tells of its own journal, sign after sign. */
export interface OwnSigns {
  /** Begins, or begins anew, after a sign that was found. `undefined` as table: nothing is told any more. */
  use(table: JournalTable | undefined, after?: JournalSign): void
  /** Tells how it is; settles when that is there for everybody. Rejects where it cannot be told. */
  tell(): Promise<void>
  /** There is something to tell. */
  isDue(): boolean
  /** Nobody has anything of this instance any more: the database was emptied. */
  isForgotten(): boolean
  /** Since when others can know of this instance, by the clock of this process; infinite while they cannot. */
  joinedAt(): number
  /** Settles once nobody believes a sign by which nothing is pending: because of a later one, or because it is old. */
  untilNotBelieved(): Promise<void>
}

export interface OwnSignsOptions {
  own: Pick<JournalSign, 'journal' | 'instance'>
  isPending: () => boolean
  hasEnded: () => boolean
  looks: JournalLooks
}

interface Told {
  sign: JournalSign
  /** By the clock of this process. */
  at: number
}

/** Between two signs of life, where there are others. */
const BEAT_MS = 500
const NEVER = Number.POSITIVE_INFINITY

export function createOwnSigns({ own, isPending, hasEnded, looks }: OwnSignsOptions): OwnSigns {
  let table: JournalTable | undefined
  /** The last one that is there for sure, and when it was. */
  let told: Told | undefined
  let joinedAt = NEVER
  /** Of the last one that was sent, and of the last one by which nothing is pending. */
  let lastBeat = 0
  let lastClean = 0
  const isAlone = (): boolean => looks.last()?.others.present !== true
  const isBelieved = (): boolean => {
    if (lastClean === 0 || (told?.sign.pending === true && told.sign.beat > lastClean)) return false
    return looks.databaseTime() - lastClean < SILENT_MS
  }
  const isForgotten = (): boolean => told !== undefined && isLost(told, looks.last())
  const tell = createNextRun(async () => {
    if (table === undefined) throw new Error('there is no table of journals now')
    const ended = hasEnded()
    // where nobody else is there it costs nothing to say so, and spares calls to tell it
    const pending = isPending() || (isAlone() && !ended)
    lastBeat = Math.max(looks.databaseTime(), lastBeat + 1)
    if (!pending) lastClean = lastBeat
    const sign = { ...own, beat: lastBeat, pending, ended }
    await table.tell(sign)
    told = { sign, at: performance.now() }
    joinedAt = Math.min(joinedAt, told.at)
  })

  return {
    use(given, after) {
      table = given
      if (given === undefined) return
      joinedAt = NEVER
      lastBeat = Math.max(lastBeat, after?.beat ?? 0)
    },
    tell,
    isDue() {
      if (told === undefined || isForgotten()) return true
      const { pending, beat } = told.sign
      if (isAlone()) return !pending
      return pending !== isPending() || looks.databaseTime() - beat >= BEAT_MS
    },
    isForgotten,
    joinedAt: () => joinedAt,
    async untilNotBelieved() {
      while (isBelieved()) {
        const whenOld = sleep(lastClean + SILENT_MS - looks.databaseTime() + 1)
        // where it cannot be told, the last sign grows old
        await Promise.race([tell().catch(() => whenOld), whenOld])
      }
    },
  }
}

/** A look that began after it was told did not find it. */
const isLost = ({ sign, at }: Told, last: LookedAt | undefined): boolean =>
  last !== undefined && last.startedAt >= at && !last.ofOwn.some(({ instance }) => instance === sign.instance)
