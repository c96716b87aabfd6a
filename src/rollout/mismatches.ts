import { randomUUID } from 'node:crypto'
import { questionText } from '../domain/question-text.ts'
import type { TokenQuery } from '../domain/token-query.ts'
import type { QueryDifference } from '../ports/comparison.ts'
import type { Journal, MismatchEntry } from '../ports/journal.ts'
import { readQuestion } from './kept-question.ts'

/** Where a mismatch stands among all of them, the latest first. */
export type MismatchPlace = Pick<MismatchEntry, 'at' | 'id'>

/** A page of mismatches, the latest first. */
export interface MismatchPage {
  mismatches: MismatchEntry[]
  total: number
  hasNext: boolean
}

/** Fields in which ClickHouse said something else than the files, on whichever instance; the latest are kept. */
export interface Mismatches {
  /**
   * Notes what a comparison has found: on this instance at once, and in the journal. What was noted lately is not noted
   * again, and no more than some of them in an hour.
   */
  note(differences: readonly QueryDifference[], confirmed: boolean): void
  /** Learns of an entry, in whatever order entries come: of the journal, and of those that others told. */
  remember(entry: MismatchEntry): void
  page(first: number, after: MismatchPlace | undefined): MismatchPage
  /** What differed, and did so again, lately: each question once, where it was kept. */
  questions(): TokenQuery[]
  /** When one that was confirmed was heard of last, by `elapsed`; `undefined`: there is none. */
  heardAt(): number | undefined
}

export interface MismatchesOptions {
  journal: Journal
  /** What was noted is not noted again for as long. */
  sameMs: number
  onUnkept: (error: unknown) => void
  now?: () => number
  /** Only goes forward. */
  elapsed?: () => number
}

/** Days for which they are told. */
export const KEPT_MISMATCH_DAYS = 90
export const MAX_MISMATCHES = 1000
/** So many are written in an hour: a wrong row is found by every question again. */
const MAX_AN_HOUR = 100
/** That are asked once more before the guard is reset by itself. */
const MAX_QUESTIONS = 20
const HOUR_MS = 3_600_000

export function createMismatches({
  journal,
  sameMs,
  onUnkept,
  now = Date.now,
  elapsed = () => performance.now(),
}: MismatchesOptions): Mismatches {
  /** By id. */
  const known = new Map<string, MismatchEntry>()
  /** The latest first. */
  let sorted: MismatchEntry[] | undefined
  let heardAt: number | undefined
  const all = (): MismatchEntry[] => (sorted ??= [...known.values()].sort(latestFirst))
  const remember = (entry: MismatchEntry): void => {
    if (known.has(entry.id)) return
    known.set(entry.id, entry)
    if (entry.confirmed) heardAt = elapsed()
    sorted = undefined
    if (known.size > MAX_MISMATCHES) for (const { id } of all().splice(MAX_MISMATCHES)) known.delete(id)
  }
  const lately = (): MismatchEntry[] => all().filter(({ at }) => at > now() - HOUR_MS)
  return {
    remember,
    note(differences, confirmed) {
      for (const { query, ...difference } of differences) {
        const entry: MismatchEntry = {
          kind: 'mismatch',
          at: now(),
          id: randomUUID(),
          ...difference,
          confirmed,
          question: questionText(query),
        }
        const noted = lately()
        if (noted.length >= MAX_AN_HOUR || noted.some((one) => one.at > now() - sameMs && isSame(one, entry))) continue
        remember(entry)
        journal.append(entry).catch(onUnkept)
      }
    },
    page(first, after) {
      const from = after === undefined ? all() : all().filter((one) => latestFirst(after, one) < 0)
      return { mismatches: from.slice(0, first), total: known.size, hasNext: from.length > first }
    },
    questions() {
      const texts = all().flatMap(({ confirmed, question }) => (confirmed ? [question] : []))
      return [...new Set(texts)].slice(0, MAX_QUESTIONS).flatMap((text) => readQuestion(text) ?? [])
    },
    heardAt: () => heardAt,
  }
}

const latestFirst = (a: MismatchPlace, b: MismatchPlace): number => b.at - a.at || (a.id < b.id ? -1 : 1)

const isSame = (a: MismatchEntry, b: MismatchEntry): boolean =>
  a.field === b.field &&
  a.question === b.question &&
  a.control === b.control &&
  a.candidate === b.candidate &&
  (a.confirmed || !b.confirmed)
