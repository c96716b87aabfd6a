import type { JournalSign, JournalTable } from '../ports/journal-table.ts'
import { createNextRun } from '../turns/next-run.ts'
import { type Others, othersAmong } from './journal-signs.ts'

/** What was found by a look at what every instance tells of its journal. */
export interface LookedAt {
  /** By the clock of this process. */
  startedAt: number
  endedAt: number
  /** By the clock of the database, in between. */
  now: number
  /** What was told of the own journal: by this instance, and by those that share it. */
  ofOwn: readonly JournalSign[]
  others: Others
  /** All that was published when `others` said so is known here. */
  isLedgerCurrent: boolean
}

/** Looks at what every instance tells of its journal. */
export interface JournalLooks {
  /** `undefined`: there is no table now. */
  use(table: JournalTable | undefined): void
  canLook(): boolean
  /** Settles after a look that began after the call. Rejects where the table cannot be read. */
  look(): Promise<void>
  /** The last one that succeeded. */
  last(): LookedAt | undefined
  /** The last one failed, or takes too long. */
  isAway(): boolean
  takesTooLong(): void
  /** The clock of the database, or a little less. Not before the first look. */
  databaseTime(): number
}

export interface JournalLooksOptions {
  own: Pick<JournalSign, 'journal' | 'instance'>
  /** Whether what others write to the own journal can be read: else they are others like those of other journals. */
  canRead: () => boolean
}

/** `whenLedgerIsCurrent` settles when all is known here that was published when it was called, or rejects. */
export function createJournalLooks(
  { own, canRead }: JournalLooksOptions,
  whenLedgerIsCurrent: () => Promise<void>,
): JournalLooks {
  let table: JournalTable | undefined
  let last: LookedAt | undefined
  let isAway = false
  const isOwn = ({ journal }: JournalSign): boolean => journal === own.journal
  // what this instance lost of a journal that it had before, it knows itself (ADR 14)
  const isReadHere = (sign: JournalSign): boolean => sign.instance === own.instance || (isOwn(sign) && canRead())

  const lookAt = async (from: JournalTable): Promise<LookedAt> => {
    const startedAt = performance.now()
    const { now, signs } = await from.look()
    const endedAt = performance.now()
    const others = othersAmong(
      signs.filter((sign) => !isReadHere(sign)),
      now,
    )
    // after the look: what somebody calls published is known then
    const isLedgerCurrent = others.present && others.pending.length === 0 && (await succeeds(whenLedgerIsCurrent()))
    return { startedAt, endedAt, now, ofOwn: signs.filter(isOwn), others, isLedgerCurrent }
  }

  return {
    use(given) {
      table = given
    },
    canLook: () => table !== undefined,
    look: createNextRun(async () => {
      if (table === undefined) throw new Error('there is no table of journals now')
      try {
        last = await lookAt(table)
        isAway = false
      } catch (error) {
        isAway = true
        throw error
      }
    }),
    last: () => last,
    isAway: () => isAway,
    takesTooLong() {
      isAway = true
    },
    databaseTime() {
      if (last === undefined) throw new Error('nobody has looked yet')
      return Math.floor(last.now + performance.now() - last.endedAt)
    },
  }
}

const succeeds = (promise: Promise<unknown>): Promise<boolean> =>
  promise.then(
    () => true,
    () => false,
  )
