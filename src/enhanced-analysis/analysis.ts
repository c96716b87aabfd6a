import { crc32 } from 'node:zlib'
import { LRUCache } from 'lru-cache'
import type { CorpusQuality } from '../domain/corpus-quality.ts'
import { LIMITS } from '../domain/limits.ts'
import { journalKey } from '../domain/log-name.ts'
import { mergeAnswers } from '../domain/merge-answers.ts'
import { EVERYTHING, type Scope } from '../domain/scope.ts'
import { sumsIn } from '../domain/sums-in.ts'
import { totalOfSums } from '../domain/token-counts.ts'
import type { TokenAnswer, TokenFilter, TokenQuery, UsageSums } from '../domain/token-query.ts'
import { finished, type Work } from '../domain/work.ts'
import type { TitledSession } from '../ports/session-titles.ts'
import type { Root } from '../transcripts/roots.ts'
import { type KeptTable, openKeptTable } from './index/kept-table.ts'
import type { Replacement } from './published/elect-anew.ts'
import { createShippingView, type ShippingView } from './published/shipping-view.ts'
import { createRefreshing, type Refresh } from './refreshing.ts'
import type { Digested } from './scanning/digesting.ts'
import { projectPathsOf } from './scanning/project-paths.ts'
import { createScanning } from './scanning/scanning.ts'
import { type Activity, activityIn } from './table/activity.ts'
import { assertAffordable } from './table/affordable.ts'
import { aggregating, aggregatingAll } from './table/aggregate.ts'
import { type JournaledRange, journalUpdate } from './table/journal-update.ts'
import { type Quality, qualityOf, type VisibleQuality, visibleQuality } from './table/quality.ts'
import type { KnownRoot, RecordTable } from './table/record-table.ts'
import { titlesOf } from './table/titles.ts'
import { visibleLogs } from './table/within.ts'

export type { EntryToHash, RangeToDigest, StateToDigest } from './published/shipping-view.ts'
export type { RefreshProgress, RefreshReport } from './refreshing.ts'

export interface AnalysisOptions {
  roots: readonly Root[]
  /** The incremental index; absent: everything is counted anew and kept in memory alone. */
  indexPath?: string
  /** Threads that read files; 0 reads in the calling thread. */
  scanThreads: number
  /** Applies what a refresh has found, in the order of the calls; absent: at once. */
  change?: (apply: () => void) => Promise<void>
  /** Refuses questions that are past the limits of an operation. */
  bounded?: boolean
}

/** What is asked of one moment. */
export interface Asked {
  queries: readonly TokenQuery[]
  /** What whoever asks may see. */
  access: readonly Scope[]
  /** By row: winners that are not 1 in it are left out of the answers. */
  only?: Uint8Array | undefined
  /** What counts in place of winners that `only` leaves out. Sessions are counted by their list then. */
  instead?: Replacement | undefined
  /** Whether the quality is asked for: of all that may be seen. */
  quality?: boolean
}

export interface Answered {
  answers: TokenAnswer[]
  quality: CorpusQuality | undefined
}

/**
 * The enhanced analysis: token metrics straight from the transcripts on disk. `refresh` reads what is
 * new; answers are of what was read up to now, each from one moment.
 */
export interface Analysis extends Pick<KeptTable, 'watermark' | 'indexState' | 'indexProblem'> {
  readonly refresh: Refresh
  /** Answers all queries of everything, from the same moment. `only`, by row, narrows them to the winners that are 1 in it. */
  answer(queries: readonly TokenQuery[], only?: Uint8Array): TokenAnswer[]
  /**
   * The same in steps, of the moment of the first one: what is counted between them is not in it. Throws
   * QUERY_TOO_EXPENSIVE before it begins, or once it is known how much there is to tell.
   */
  answering(asked: Asked): Work<Answered>
  /** Counts what entries of the journal say; never kept in the index. */
  addJournaled(range: JournaledRange): void
  /** What of it is published in ClickHouse. */
  readonly shipping: Omit<ShippingView, 'proven'>
  /** What `shipping.unproven` asked for was read. */
  proven(digested: readonly Digested[]): void
  /** Of everything. */
  quality(): Quality
  /** The same as every source tells it. */
  corpusQuality(): CorpusQuality
  /** The first and the last record that a filter selects in each span of time of this length, by the span's start. */
  activity(filter: TokenFilter, spanMs: number): Map<number, Activity>
  /** The folder that its agent worked in, by the name of a project, where a transcript of it tells. */
  projectPaths(names: ReadonlySet<string>): Map<string, string>
  /** What sessions are called, for whom sees so much. */
  titles(sessions: readonly TitledSession[], access: readonly Scope[]): (string | undefined)[]
  /** Identities that are counted. */
  records(): number
  /** Copies that conflict with those that count. */
  conflicts(): number
  /** Records of an entry of the journal that conflicted with those that count when it was counted. */
  conflictsOf(entry: CountedEntry): number
  /** Bytes of the journal that are counted. */
  journaledBytes(): number
  /** The same for the same segments of the journal, counted equally far. */
  journalMark(): string
  close(): void
}

/** An entry of the journal, by its segment and its end. */
export type CountedEntry = Pick<JournaledRange, 'segment' | 'to'>

/** Entries with conflicts that are remembered: whoever asks, asks at once. */
const MAX_CONFLICTS = 10_000

export function openAnalysis(options: AnalysisOptions): Analysis {
  const { roots, indexPath, bounded = false, change = async (apply) => apply() } = options
  const byPath = new Map(numberedRoots(roots).map((root) => [root.path, root]))
  const rootOf = (root: string): KnownRoot => byPath.get(root) ?? { user: 'unknown', host: 'unknown' }
  const kept = openKeptTable(rootOf, indexPath)
  const { table } = kept
  const shipping = createShippingView(table)
  const scanning = createScanning(options.scanThreads)
  const refresh = createRefreshing({ roots, rootOf, scanning, kept, change, onApplied: shipping.attach })
  const answering = (asked: Asked): Work<Answered> => answeringFrom({ table, shipping, bounded }, asked)
  const conflicts = new LRUCache<string, number>({ max: MAX_CONFLICTS })
  let journaledBytes = 0
  /** Of how far each segment is counted, in any order. */
  let journalMark = 0

  return {
    refresh,
    answer: (queries, only) => finished(answering({ queries, access: EVERYTHING, only })).answers,
    answering,
    shipping,
    proven(digested) {
      for (const one of digested) kept.digest(one)
      shipping.proven(digested)
    },
    addJournaled(range) {
      const key = journalKey(range.segment)
      const from = table.file(key)?.counted ?? 0
      // an entry may come twice: from the disk at a start, and as it is appended
      if (range.to <= from) return
      const update = journalUpdate(range, from)
      table.apply(update)
      const found = table.conflictsOf(update)
      if (found > 0) conflicts.set(`${range.segment} ${range.to}`, found)
      journaledBytes += range.to - from
      journalMark ^= crc32(`${key} ${from}`) ^ crc32(`${key} ${range.to}`)
      shipping.attach(key)
    },
    journaledBytes: () => journaledBytes,
    journalMark: () => `${journaledBytes}-${journalMark >>> 0}`,
    quality: () => qualityOf(table),
    corpusQuality: () =>
      finished(answering({ queries: [], access: EVERYTHING, quality: true })).quality as CorpusQuality,
    activity: (filter, spanMs) => activityIn(table, filter, spanMs),
    projectPaths: (names) => projectPathsOf(table, names),
    titles: (sessions, access) => titlesOf(table, sessions, access),
    records: () => table.winners,
    conflicts: () => table.conflicting.size,
    conflictsOf: ({ segment, to }) => conflicts.get(`${segment} ${to}`) ?? 0,
    watermark: kept.watermark,
    indexState: kept.indexState,
    indexProblem: kept.indexProblem,
    close: kept.close,
  }
}

/** With the number of each among roots with the same owner: their logs are called by it, too. */
const numberedRoots = (roots: readonly Root[]): (Root & { number: number })[] =>
  roots.map((root, i) => {
    const alike = roots.slice(0, i).filter(({ user, host }) => user === root.user && host === root.host)
    return { ...root, number: alike.length + 1 }
  })

interface AnsweringParts {
  table: RecordTable
  shipping: Pick<ShippingView, 'unshippedBytes'>
  /** Refuses what is past the limits of an operation. */
  bounded: boolean
}

/** Answers all queries from one snapshot of the table. */
function* answeringFrom(parts: AnsweringParts, asked: Asked): Work<Answered> {
  const { table, shipping, bounded } = parts
  const { queries, access, only, instead, quality = false } = asked
  if (bounded) assertAffordable(table.columns.length, queries)
  const described = quality
    ? { ...visibleQuality(table, access), unshippedBytes: shipping.unshippedBytes(visibleLogs(table, access)) }
    : undefined
  const snapshot = table.snapshot()
  try {
    const answers: TokenAnswer[] = []
    let left = bounded ? LIMITS.answerSums.value : Number.POSITIVE_INFINITY
    for (const query of queries) {
      const own = yield* aggregating({ table, snapshot, access, only }, query, left)
      const answer =
        instead === undefined
          ? own
          : yield* mergeAnswers(own, yield* aggregatingAll(instead.counted, access, query, left))
      left -= sumsIn(answer)
      answers.push(answer)
    }
    if (described === undefined) return { answers, quality: undefined }
    const { whole } = yield* aggregating({ table, snapshot, access }, WHOLE)
    const archivedTokens = instead === undefined ? 0n : yield* tokensAdded(instead, access)
    return { answers, quality: { ...corpusQualityOf(described, whole), archivedTokens } }
  } finally {
    snapshot.close()
  }
}

const WHOLE: TokenQuery = { filter: {}, groupings: [] }

/** What a replacement adds to the tokens on disk; below 0 where it takes some away. */
function* tokensAdded({ counted, leftOut }: Replacement, access: readonly Scope[]): Work<bigint> {
  const [now, before] = [yield* aggregatingAll(counted, access, WHOLE), yield* aggregatingAll(leftOut, access, WHOLE)]
  return tokensIn(now.whole) - tokensIn(before.whole)
}

const tokensIn = (sums: readonly UsageSums[]): bigint => sums.reduce((total, one) => total + totalOfSums(one), 0n)

function corpusQualityOf(
  { copies, conflictingCopies, refused, unshippedBytes }: VisibleQuality & { unshippedBytes: number },
  whole: UsageSums[],
): Omit<CorpusQuality, 'archivedTokens'> {
  return {
    duplicateLines: BigInt(copies) - whole.reduce((sum, { records }) => sum + records, 0n),
    conflictingCopies,
    refused: refused.map(({ reason, count }) => ({ reason, count })),
    whole,
    unshippedBytes: BigInt(unshippedBytes),
  }
}
