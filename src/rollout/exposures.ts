import { LIMITS } from '../domain/limits.ts'
import type { CacheStatus, DataSource } from '../domain/source.ts'
import type { Cohort } from '../ports/flags.ts'
import type { ExperimentEntry, Journal } from '../ports/journal.ts'
import { addEntry } from './experiment-entries.ts'
import type { Figures } from './figures.ts'
import { createFiguresJournal } from './figures-journal.ts'
import { LEAST_MS } from './latencies.ts'
import { type Arm, compareDays, type Period } from './tally.ts'

/** A question that the experiment decided, and how it ended. */
export interface DecidedAnswer {
  userId: string
  /** What the user is assigned to, whatever answered. */
  cohort: Cohort
  /** As the flag had it at that moment (`ExperimentSetup`). */
  share: number | null
  /** What answered; `undefined`: nothing did. */
  source: DataSource | undefined
  cache: CacheStatus | undefined
  ms: number
}

/** A question that both sources were asked, after the experiment had decided who answers it. */
export interface Comparison {
  userId: string
  /** `null`: the experiment did not decide; nothing is counted. */
  cohort: Cohort | null
  share: number | null
  agreed: boolean
}

/** Who was in which arm of the experiment, and what came to them: on every instance, over starts. */
export interface Exposures {
  /** Counts in memory; returns whether it is the first answer of the user in this arm on this day, as far as is known here. */
  noteAnswer(answer: DecidedAnswer): boolean
  noteComparison(comparison: Comparison): void
  /** Learns of an entry, in whatever order entries come, and however often. */
  remember(entry: ExperimentEntry): void
  /** Of the days from one to another, both included, the earliest first; one may be there in two parts. */
  periods(from: string, to: string): Period[]
  /** Answers of users who were not counted, because too many are. */
  uncounted(): number
  /** Journals what was counted, where it is time. Throws where the journal takes nothing; it is tried again then. */
  journalDue(): Promise<void>
  /** Journals all that was counted, as far as it can. */
  close(): Promise<void>
}

export interface ExposuresOptions {
  journal: Journal
  now?: () => number
  /** Of users in arms, one for each of their days: the earliest days are forgotten then, and users of today not counted. */
  maxUsers?: number | undefined
}

export const DAY_MS = 86_400_000
/** Days that are kept, today included. */
export const KEPT_DAYS = 30

export const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10)

/** Of now, which is asked for with each answer. */
function createToday(now: () => number): () => string {
  let [number, text] = [Number.NaN, '']
  return () => {
    const today = Math.floor(now() / DAY_MS)
    if (today !== number) [number, text] = [today, dayOf(today * DAY_MS)]
    return text
  }
}

/** The first day that is kept. */
export const firstKeptDay = (now: number): string => dayOf(now - (KEPT_DAYS - 1) * DAY_MS)

export function createExposures({
  journal,
  now = Date.now,
  maxUsers = LIMITS.experimentUsers.value,
}: ExposuresOptions): Exposures {
  const figures = createFiguresJournal(journal, now)
  const { journaled, pending } = figures
  const entries = createKnownEntries()
  const today = createToday(now)
  let uncounted = 0
  const isKnown = (day: string, share: number | null, cohort: Cohort, userId: string): boolean =>
    journaled.has(day, share, cohort, userId) || pending().has(day, share, cohort, userId)
  const hasRoom = (day: string): boolean => {
    if (journaled.size() + pending().size() < maxUsers) return true
    const earliest = journaled.periods()[0]?.day
    if (earliest === undefined || earliest >= day) return false
    journaled.forget(earliest)
    return true
  }
  return {
    noteAnswer(answer) {
      const { userId, cohort, share } = answer
      const day = today()
      const arm = pending().period(day, share).arms[cohort]
      const own = arm.users.get(userId)
      if (own !== undefined) {
        countAnswer(own, arm, answer)
        return false
      }
      const isFirst = !journaled.has(day, share, cohort, userId)
      if (isFirst && !hasRoom(day)) {
        uncounted++
        return false
      }
      if (isFirst) figures.noteNew()
      countAnswer(pending().figuresOf(day, share, cohort, userId), arm, answer)
      return isFirst
    },
    noteComparison({ userId, cohort, share, agreed }) {
      const day = today()
      // whoever is compared was answered before
      if (cohort === null || !isKnown(day, share, cohort, userId)) return
      const own = pending().figuresOf(day, share, cohort, userId)
      own.comparisons++
      if (!agreed) own.mismatches++
    },
    remember(entry) {
      if (entry.writer === figures.writer || entry.day < firstKeptDay(now()) || !entries.isNew(entry)) return
      if (journaled.size() < maxUsers) addEntry(journaled, entry)
      else uncounted += entry.users.length
    },
    periods(from, to) {
      const all = [...journaled.periods(), ...pending().periods()]
      return all.filter(({ day }) => day >= from && day <= to).sort(compareDays)
    },
    uncounted: () => uncounted,
    async journalDue() {
      const first = firstKeptDay(now())
      for (const { day } of journaled.periods()) if (day < first) journaled.forget(day)
      entries.forgetBefore(first)
      await figures.journalDue()
    },
    close: () => figures.journalAll().catch(() => undefined),
  }
}

function countAnswer(figures: Figures, { latencies }: Arm, { cohort, source, cache, ms }: DecidedAnswer): void {
  figures.questions++
  if (source === undefined) {
    // how long it took to fail is no speed
    figures.errors++
    return
  }
  if ((source === 'LEGACY') !== (cohort === 'legacy')) figures.fallbacks++
  if (cache === 'HIT' || cache === 'STALE') figures.cacheHits++
  else {
    figures.computed++
    figures.logMs += Math.log(Math.max(ms, LEAST_MS))
  }
  latencies.note(ms)
}

/** Which entries of others were learned. */
function createKnownEntries() {
  const days = new Map<string, Map<string, Set<number>>>()
  return {
    /** From then on it is known. */
    isNew({ day, writer, number }: ExperimentEntry): boolean {
      const writers = days.get(day) ?? new Map<string, Set<number>>()
      const numbers = writers.get(writer) ?? new Set<number>()
      days.set(day, writers.set(writer, numbers))
      if (numbers.has(number)) return false
      numbers.add(number)
      return true
    },
    forgetBefore(first: string): void {
      for (const day of days.keys()) if (day < first) days.delete(day)
    },
  }
}
