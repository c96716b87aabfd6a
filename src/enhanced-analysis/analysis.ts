import { createHash } from 'node:crypto'
import { sep } from 'node:path'
import type { CorpusQuality } from '../domain/corpus-quality.ts'
import { LIMITS } from '../domain/limits.ts'
import { journalKey } from '../domain/log-name.ts'
import { sumsIn } from '../domain/sums-in.ts'
import type { TokenAnswer, TokenQuery, UsageSums } from '../domain/token-query.ts'
import { finished, type Work } from '../domain/work.ts'
import { type Formatted, formatOf } from '../transcripts/format-of.ts'
import type { Root } from '../transcripts/roots.ts'
import type { IndexState } from './index/index-file.ts'
import { openPersistence, type Persistence } from './index/persistence.ts'
import { createShippingView, type ShippingView } from './published/shipping-view.ts'
import { discover, type FoundFile } from './scanning/discovery.ts'
import type { ScanJob } from './scanning/file-scan.ts'
import { createScanning } from './scanning/scanning.ts'
import { assertAffordable } from './table/affordable.ts'
import { aggregating } from './table/aggregate.ts'
import { decodeFileUpdate } from './table/file-update.ts'
import { type JournaledRange, journalUpdate } from './table/journal-update.ts'
import type { KnownFile } from './table/known-file.ts'
import { type Quality, qualityOf } from './table/quality.ts'
import { type KnownRoot, RecordTable } from './table/record-table.ts'

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

/** What a refresh is about to do and has done; `bytesDone` grows to `bytesTotal`. */
export interface RefreshProgress {
  filesTotal: number
  bytesTotal: number
  bytesDone: number
}

export interface RefreshReport {
  /** Transcripts on disk. */
  files: number
  filesRead: number
  bytesRead: number
  filesForgotten: number
  /** Folders and files that could not be read, with the reason. */
  unreadable: string[]
  /** Something that is counted changed. */
  changed: boolean
}

/** What is asked of one moment. */
export interface Asked {
  queries: readonly TokenQuery[]
  /** By row: winners that are not 1 in it are left out of the answers. */
  only?: Uint8Array | undefined
  /** Whether the quality of everything is asked for. */
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
export interface Analysis {
  refresh(onProgress?: (progress: RefreshProgress) => void): Promise<RefreshReport>
  /** Answers all queries from the same moment. `only`, by row, narrows them to the winners that are 1 in it. */
  answer(queries: readonly TokenQuery[], only?: Uint8Array): TokenAnswer[]
  /**
   * The same in steps, of the moment of the first one: what is counted between them is not in it. Throws
   * QUERY_TOO_EXPENSIVE before it begins, or once it is known how much there is to tell.
   */
  answering(asked: Asked): Work<Answered>
  /** Counts what entries of the journal say; never kept in the index. */
  addJournaled(range: JournaledRange): void
  /** What of it is published in ClickHouse. */
  readonly shipping: ShippingView
  quality(): Quality
  /** The quality as every source tells it. */
  corpusQuality(): CorpusQuality
  /** Identities that are counted. */
  records(): number
  /** Where a log is. */
  pathOf(key: string): string | undefined
  /** Bytes of the journal that are counted. */
  journaledBytes(): number
  /** The same for the same transcripts, counted equally far. */
  watermark(): string
  /**
   * What was found of the index at the start; `off` without one, `locked` where another process writes it,
   * `broken` once it could not be written.
   */
  indexState(): IndexState | 'off' | 'locked' | 'broken'
  /** Why it is `broken`, with what to do; absent otherwise. */
  indexProblem(): string | undefined
  close(): void
}

export function openAnalysis(options: AnalysisOptions): Analysis {
  const { roots, indexPath, bounded = false, change = async (apply) => apply() } = options
  const byPath = new Map(roots.map((root) => [root.path, root]))
  const rootOf = (root: string): KnownRoot => byPath.get(root) ?? { user: 'unknown', host: 'unknown' }
  const scanning = createScanning(options.scanThreads)
  let table = new RecordTable(rootOf)
  const persistence: Persistence | undefined =
    indexPath === undefined
      ? undefined
      : openPersistence(
          indexPath,
          () => table,
          () => (table = new RecordTable(rootOf)),
        )
  let refreshing: Promise<unknown> = Promise.resolve()
  let journaledBytes = 0
  /** The watermark, until something changes. */
  let mark: string | undefined

  const forget = (key: string): void => {
    table.forget(key)
    mark = undefined
    persistence?.forget(key)
  }

  const rename = (file: FoundFile): void => {
    table.rename(file.key, file.path, file.root, file.relativePath)
    mark = undefined
    persistence?.rename(file)
  }

  const shipping = createShippingView(() => table)

  function* answering({ queries, only, quality = false }: Asked): Work<Answered> {
    if (bounded) assertAffordable(table.columns.length, queries)
    const described = quality ? { ...qualityOf(table), unshippedBytes: shipping.unshippedBytes() } : undefined
    const snapshot = table.snapshot()
    try {
      const answers: TokenAnswer[] = []
      let left = bounded ? LIMITS.answerSums.value : Number.POSITIVE_INFINITY
      for (const query of queries) {
        const answer = yield* aggregating({ table, snapshot, only }, query, left)
        left -= sumsIn(answer)
        answers.push(answer)
      }
      if (described === undefined) return { answers, quality: undefined }
      const { whole } = yield* aggregating({ table, snapshot }, { filter: {}, groupings: [] })
      return { answers, quality: corpusQualityOf(described, whole) }
    } finally {
      snapshot.close()
    }
  }

  const refresh = async (onProgress?: (progress: RefreshProgress) => void): Promise<RefreshReport> => {
    const found = discover(roots)
    const onDisk = new Set(found.files.map((file) => file.key))
    // what cannot be read says nothing about the files in it
    const isUnknown = (path: string): boolean =>
      found.unreadable.some((one) => path === one.path || path.startsWith(one.path + sep))
    const vanished = [...table.transcripts()].filter((file) => !onDisk.has(file.key) && !isUnknown(file.path))
    const renamed = found.files.filter((file) => isRenamed(table.file(file.key), file, rootOf))
    await change(() => {
      for (const file of vanished) forget(file.key)
      for (const file of renamed) rename(file)
    })
    const requests = found.files.flatMap((file) => {
      const job = jobFor(table.file(file.key), file)
      return job === undefined ? [] : [{ job, bytes: Math.max(0, file.size - job.from) }]
    })
    const progress: RefreshProgress = {
      filesTotal: requests.length,
      bytesTotal: requests.reduce((sum, request) => sum + request.bytes, 0),
      bytesDone: 0,
    }
    if (requests.length > 0) onProgress?.(progress)
    const updates: Promise<void>[] = []
    const failures = await scanning.run(requests, {
      update(encoded) {
        const applied = change(() => {
          table.apply(decodeFileUpdate(encoded))
          mark = undefined
          persistence?.update(encoded)
        })
        // it is heard below
        applied.catch(() => undefined)
        updates.push(applied)
      },
      progress(bytes) {
        progress.bytesDone += bytes
        onProgress?.(progress)
      },
    })
    await Promise.all(updates)
    await change(() => {
      for (const failure of failures) if (failure.outcome === 'gone') forget(failure.job.key)
      persistence?.compactIfWasteful()
      shipping.attach()
    })
    return {
      files: found.files.length,
      filesRead: requests.length,
      bytesRead: progress.bytesDone,
      filesForgotten: vanished.length,
      unreadable: [
        ...found.unreadable.map(({ path, reason }) => `${path}: ${reason}`),
        ...failures.flatMap(({ job, message }) => (message === undefined ? [] : [`${job.path}: ${message}`])),
      ],
      changed: requests.length + vanished.length + renamed.length > 0,
    }
  }

  return {
    refresh(onProgress) {
      // one at a time; a failed one does not stop the next
      const next = refreshing.then(
        () => refresh(onProgress),
        () => refresh(onProgress),
      )
      refreshing = next
      return next
    },
    answer: (queries, only) => finished(answering({ queries, only })).answers,
    answering,
    shipping,
    addJournaled(range) {
      const key = journalKey(range.segment)
      const from = table.file(key)?.counted ?? 0
      // an entry may come twice: from the disk at a start, and as it is appended
      if (range.to <= from) return
      table.apply(journalUpdate(range, from))
      journaledBytes += range.to - from
      shipping.attach(key)
    },
    journaledBytes: () => journaledBytes,
    quality: () => qualityOf(table),
    corpusQuality: () => finished(answering({ queries: [], quality: true })).quality as CorpusQuality,
    records: () => table.winners,
    pathOf: (key) => table.file(key)?.path,
    watermark() {
      mark ??= watermarkOf(table)
      return mark
    },
    indexState: () => persistence?.state() ?? 'off',
    indexProblem: () => persistence?.problem(),
    close: () => persistence?.close(),
  }
}

function corpusQualityOf(
  { duplicateLines, refused, unshippedBytes }: Quality & { unshippedBytes: number },
  whole: UsageSums[],
): CorpusQuality {
  return {
    duplicateLines,
    refused: refused.map(({ reason, count }) => ({ reason, count })),
    whole,
    archivedTokens: 0n,
    unshippedBytes: BigInt(unshippedBytes),
  }
}

function watermarkOf(table: RecordTable): string {
  const digest = createHash('sha256')
  const files = [...table.transcripts()].sort((a, b) => (a.path < b.path ? -1 : 1))
  for (const { path, counted, size, modifiedNs } of files) digest.update(`${path} ${counted} ${size} ${modifiedNs}\n`)
  return digest.digest('base64url')
}

/** What must be read of a file that was found; `undefined` where all of it is counted. */
function jobFor(known: KnownFile | undefined, found: FoundFile): ScanJob | undefined {
  const { key, path, root, relativePath, format } = found
  const job = { key, path, root, relativePath, format }
  if (known === undefined) return { ...job, from: 0 }
  if (known.relativePath !== relativePath) {
    // renamed, and records take their session from the path
    return { ...job, from: 0 }
  }
  if (known.size === found.size && known.modifiedNs === found.modifiedNs) return undefined
  // the same size at another time, or a smaller one: written anew
  if (found.size <= known.size) return { ...job, from: 0 }
  return { ...job, from: known.counted, fingerprint: known.fingerprint }
}

/** Whether a file has another name and its records stay the same under it. */
function isRenamed(known: KnownFile | undefined, found: FoundFile, rootOf: (root: string) => Formatted): boolean {
  if (known === undefined || (known.path === found.path && known.root === found.root)) return false
  const before = formatOf(rootOf(known.root)).nameLog(known.relativePath)
  const after = formatOf(found).nameLog(found.relativePath)
  return before.pathSession === after.pathSession && (before.stem === after.stem || !known.usesStem)
}
