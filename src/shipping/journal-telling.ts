import { setTimeout as sleep } from 'node:timers/promises'
import type { JournalSign, JournalTable } from '../ports/journal-table.ts'
import type { JournalLooks } from './journal-looks.ts'
import { createOwnSigns, type OwnSigns } from './own-signs.ts'

/** Tells others of the own journal, and of what is about to be acknowledged. */
export interface JournalTelling extends Pick<OwnSigns, 'joinedAt'> {
  /** Tells that this instance is there. Rejects where that cannot be told. */
  join(table: JournalTable): Promise<void>
  tellIfDue(): Promise<void>
  /** Tells nothing more; after `end`, that this instance has ended, if that can be told soon. */
  leave(): Promise<void>
  /** Nothing more is acknowledged. */
  end(): void
  /**
   * Runs what acknowledges something, and settles after `waits` have, and when nobody takes an earlier sign for the word
   * of this instance.
   */
  around<T>(append: () => Promise<T>, waits: Promise<void>): Promise<T>
}

export interface JournalTellingOptions {
  own: Pick<JournalSign, 'journal' | 'instance'>
  /** Whether everything in the own journal is published; `undefined` before that is known. */
  isPublished: () => boolean | undefined
}

/** Whoever ends waits so long at most until that is told. */
const END_MS = 1000

export function createJournalTelling({ own, isPublished }: JournalTellingOptions, looks: JournalLooks): JournalTelling {
  let hasEnded = false
  /** Calls that are about to acknowledge something. */
  let appending = 0
  /** All who told something of this journal had ended, with everything published, and nothing came since. */
  let isAsItWasLeft = false
  const isPending = (): boolean => appending > 0 || !(isPublished() ?? isAsItWasLeft)
  const signs = createOwnSigns({ own, isPending, hasEnded: () => hasEnded, looks })
  const join = async (table: JournalTable): Promise<void> => {
    const { ofOwn = [] } = looks.last() ?? {}
    const mine = ofOwn.find(({ instance }) => instance === own.instance)
    isAsItWasLeft = appending === 0 && mine !== undefined && ofOwn.every(({ pending, ended }) => ended && !pending)
    signs.use(table, mine)
    await signs.tell()
  }
  let rejoin = async (): Promise<void> => undefined

  return {
    joinedAt: signs.joinedAt,
    async join(table) {
      await looks.look()
      rejoin = () => join(table)
      await join(table)
    },
    async tellIfDue() {
      if (signs.isForgotten()) await rejoin()
      else if (signs.isDue()) await signs.tell()
    },
    async leave() {
      if (hasEnded) await Promise.race([signs.tell().catch(() => undefined), sleep(END_MS, undefined, { ref: false })])
      signs.use(undefined)
    },
    end() {
      hasEnded = true
    },
    async around(append, waits) {
      appending++
      isAsItWasLeft = false
      try {
        const [result] = await Promise.all([append(), waits, signs.untilNotBelieved()])
        return result
      } finally {
        appending--
      }
    },
  }
}
