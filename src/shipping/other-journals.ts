import { setTimeout as sleep } from 'node:timers/promises'
import type { JournalSign, JournalTable } from '../ports/journal-table.ts'
import { againAndAgain } from '../turns/again-and-again.ts'
import { createJournalLooks, type JournalLooks, type JournalLooksOptions, type LookedAt } from './journal-looks.ts'
import { SILENT_MS } from './journal-signs.ts'
import { createJournalTelling, type JournalTelling } from './journal-telling.ts'
import type { LedgerFacts } from './ledger.ts'

/**
 * The journals of instances that use the same database and cannot be read here (ADR 25). What they acknowledge is in no
 * answer of this instance before it is published: until then, each answer says so.
 */
export interface OtherJournals {
  /** Tells of the own journal and looks at the others from now on; returns how to stop. Rejects where that fails. */
  join(table: JournalTable): Promise<() => Promise<void>>
  /** From now on it is known what is published. */
  follow(published: PublishedKnowledge): void
  /** The database cannot be opened now. */
  cannotJoin(): void
  /** Nothing more is acknowledged: that is told where it stops. */
  end(): void
  /** Settles when it is known, or known to be unknown, what others had acknowledged when it was called. */
  whenCurrent(): Promise<void>
  /** Others may have acknowledged what is in no answer here. It holds for questions that waited for `whenCurrent`. */
  mayLack(): boolean
  /** There are others, or were: what they published may be news of this very moment. */
  known(): boolean
  /** Runs what acknowledges something; settles once others know of it, or know that they know nothing. */
  telling<T>(append: () => Promise<T>): Promise<T>
  /** Instances whose journals have, or may have, what was acknowledged and is not published. */
  pending(): readonly JournalSign[]
}

/** What is published, as this instance knows it. */
export interface PublishedKnowledge {
  ledger(): Pick<LedgerFacts, 'state'>
  /** Settles when all is known that was published when it was called. Rejects where that cannot be known. */
  whenCurrent(): Promise<void>
}

export interface OtherJournalsOptions extends JournalLooksOptions {
  /** Whether everything in the own journal is published; `undefined` where that cannot be said. */
  isPublished: (ledger: Pick<LedgerFacts, 'state'> | undefined) => boolean | undefined
  /** Whether there were others, kept over a start: the database may be away then. */
  remembered: { get(): boolean; set(known: boolean): void }
  /** Is told after each look. */
  onLook: (pending: readonly JournalSign[]) => void
}

/** Between two looks. */
const LOOK_MS = 250
/** It holds for so long that nobody else was there: whoever comes acknowledges nothing before that is over. */
const FRESH_MS = 1000
/** A look that takes longer is not waited for: then nothing is known. */
const WAIT_MS = 500
/** And the end so long. */
const END_MS = 1000

export function createOtherJournals(options: OtherJournalsOptions): OtherJournals {
  const { own, canRead, remembered } = options
  let published: PublishedKnowledge | undefined
  const looks = createJournalLooks(options, () => published?.whenCurrent() ?? Promise.reject(new Error('no ledger')))
  const isPublished = (): boolean | undefined => options.isPublished(published?.ledger())
  const telling = createJournalTelling({ own, isPublished }, looks)
  const start = createStart()
  const isFresh = (): boolean => performance.now() - (looks.last()?.startedAt ?? -FRESH_MS) < FRESH_MS
  /** Nobody acknowledges anything elsewhere, and whoever comes does not yet. */
  const isAlone = (): boolean => {
    const last = looks.last()
    if (last === undefined || last.others.present || looks.isAway() || !isFresh()) return false
    // whoever came before this one was told would not be seen by it, nor see it
    return last.startedAt >= telling.joinedAt() && (!isShared(last, own.instance) || canRead())
  }
  const whenKnown = async (): Promise<void> => {
    await start.whenTried()
    const leftMs = telling.joinedAt() + FRESH_MS - performance.now()
    if (Number.isFinite(leftMs) && leftMs > 0 && !isAlone()) await sleep(leftMs)
  }

  return {
    async join(table) {
      looks.use(table)
      await telling
        .join(table)
        .catch((error: unknown) => {
          looks.use(undefined)
          throw error
        })
        .finally(start.tried)
      return lookAgainAndAgain(options, looks, telling)
    },
    follow(given) {
      published = given
    },
    cannotJoin: start.tried,
    end: telling.end,
    async whenCurrent() {
      if (looks.canLook() && !looks.isAway() && !isAlone()) await lookInTime(looks)
    },
    mayLack() {
      const last = looks.last()
      if (last === undefined) return !start.isOver() || remembered.get()
      const { others, isLedgerCurrent } = last
      if (looks.isAway() || !isFresh()) return others.known
      return others.known && (others.pending.length > 0 || !isLedgerCurrent)
    },
    known: () => looks.last()?.others.known === true,
    telling: (append) => telling.around(append, whenKnown()),
    pending: () => looks.last()?.others.pending ?? [],
  }
}

const isShared = ({ ofOwn }: LookedAt, own: string): boolean => ofOwn.some(({ instance }) => instance !== own)

/** Looks, tells, and waits a little, until it is told to stop. */
function lookAgainAndAgain(
  { remembered, onLook }: OtherJournalsOptions,
  looks: JournalLooks,
  telling: JournalTelling,
): () => Promise<void> {
  const step = async (): Promise<void> => {
    await lookInTime(looks)
    const { known = false, pending = [] } = looks.last()?.others ?? {}
    if (known !== remembered.get()) remembered.set(known)
    onLook(pending)
    await telling.tellIfDue()
  }
  // what cannot be told is not believed by the others after a while
  const stop = againAndAgain(step, LOOK_MS)
  return async () => {
    // a look at a database that does not answer is not waited for
    await stop(END_MS)
    await telling.leave()
    looks.use(undefined)
  }
}

/** The start, at which nothing is known yet: over when the database was tried, or that takes too long. */
function createStart() {
  const startedAt = performance.now()
  const { promise, resolve } = Promise.withResolvers<void>()
  let isTried = false
  const leftMs = (): number => startedAt + SILENT_MS - performance.now()
  return {
    tried() {
      isTried = true
      resolve()
    },
    isOver: () => isTried || leftMs() <= 0,
    async whenTried() {
      if (!isTried && leftMs() > 0) await Promise.race([promise, sleep(leftMs(), undefined, { ref: false })])
    },
  }
}

/** Never rejects: a look that fails, or takes too long, is noted. */
async function lookInTime(looks: JournalLooks): Promise<void> {
  if (!(await isWithin(WAIT_MS, looks.look()))) looks.takesTooLong()
}

/** Whether it has ended, be it in an error. */
async function isWithin(ms: number, promise: Promise<void>): Promise<boolean> {
  const ended = promise.then(
    () => true,
    () => true,
  )
  return Promise.race([ended, sleep(ms, false, { ref: false })])
}
