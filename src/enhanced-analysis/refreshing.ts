import { sep } from 'node:path'
import { type Formatted, formatOf } from '../transcripts/format-of.ts'
import type { Root } from '../transcripts/roots.ts'
import type { KeptTable, ReadPart } from './index/kept-table.ts'
import { discover, type Found, type FoundFile } from './scanning/discovery.ts'
import type { ScanJob } from './scanning/file-scan.ts'
import type { ScanFailure } from './scanning/scan-worker.ts'
import type { Scanning, ScanRequest } from './scanning/scanning.ts'
import { decodeFileUpdate, type FileUpdateHeader } from './table/file-update.ts'
import type { KnownFile } from './table/known-file.ts'
import type { RecordTable } from './table/record-table.ts'

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

/** Reads what is new on disk. One at a time: who asks meanwhile gets the next one. */
export type Refresh = (onProgress?: (progress: RefreshProgress) => void) => Promise<RefreshReport>

export interface RefreshingParts {
  roots: readonly Root[]
  rootOf: (root: string) => Formatted
  scanning: Scanning
  kept: KeptTable
  /** Changes the table, in the order of the calls. */
  change: (apply: () => void) => Promise<void>
  /** Everything that was found is in the table; called as part of the last change. */
  onApplied: () => void
}

export function createRefreshing(parts: RefreshingParts): Refresh {
  let last: Promise<unknown> = Promise.resolve()
  return (onProgress) => {
    const next = last.then(
      () => refresh(parts, onProgress),
      // a failed one does not stop the next
      () => refresh(parts, onProgress),
    )
    last = next
    return next
  }
}

/**
 * One look at all transcripts. Where nothing was removed, no answer between two of its changes has less than one before
 * it: a log that is read anew takes the place of what was counted in one change, and a log is forgotten only when a
 * second look at the folders does not find it either.
 */
async function refresh(
  parts: RefreshingParts,
  onProgress: ((progress: RefreshProgress) => void) | undefined,
): Promise<RefreshReport> {
  const { kept, change, roots } = parts
  const found = discover(roots)
  const paths = new Set(found.files.map(({ path }) => path))
  const { removed, replaced } = lookAgain(roots, missingIn(found, kept.table.transcripts()))
  const renamed = found.files.filter((file) => isRenamed(kept.table.file(file.key), file, parts.rootOf))
  await change(() => {
    for (const { key } of removed) kept.forget(key)
    for (const file of renamed) kept.rename(file)
  })
  const requests = requestsFor(kept.table, found)
  const { bytesRead, failures } = await scan(parts, requests, replaced, onProgress)
  const gone = failures.flatMap(({ job, outcome }) => (outcome === 'gone' ? (kept.table.file(job.key) ?? []) : []))
  const alsoRemoved = lookAgain(roots, gone).removed
  // what is in the place of another log changed once more: the next look reads it
  for (const { job, outcome } of failures) if (outcome !== 'unreadable') paths.delete(job.path)
  await change(() => {
    for (const { key } of [...replaced.filter(({ path }) => paths.has(path)), ...alsoRemoved]) kept.forget(key)
    kept.compactIfWasteful()
    parts.onApplied()
  })
  return {
    files: found.files.length,
    filesRead: requests.length,
    bytesRead,
    filesForgotten: removed.length + replaced.length,
    unreadable: [
      ...found.unreadable.map(({ path, reason }) => `${path}: ${reason}`),
      ...failures.flatMap(({ job, message }) => (message === undefined ? [] : [`${job.path}: ${message}`])),
    ],
    changed: requests.length + removed.length + replaced.length + renamed.length > 0,
  }
}

/** Known files that were not found, but for those in what cannot be read, which says nothing about the files in it. */
function missingIn({ files, unreadable }: Found, known: Iterable<KnownFile>): KnownFile[] {
  const onDisk = new Set(files.map((file) => file.key))
  const isUnknown = (path: string): boolean =>
    unreadable.some((one) => path === one.path || path.startsWith(one.path + sep))
  return [...known].filter((file) => !onDisk.has(file.key) && !isUnknown(file.path))
}

/**
 * Of files that a look did not find, those that a second one does not find either: the first one easily misses what is
 * renamed meanwhile. `replaced`: another file has their path.
 */
function lookAgain(
  roots: readonly Root[],
  missed: readonly KnownFile[],
): { removed: KnownFile[]; replaced: KnownFile[] } {
  if (missed.length === 0) return { removed: [], replaced: [] }
  const again = discover(roots)
  const paths = new Set(again.files.map(({ path }) => path))
  const gone = missingIn(again, missed)
  return { removed: gone.filter(({ path }) => !paths.has(path)), replaced: gone.filter(({ path }) => paths.has(path)) }
}

function requestsFor(table: RecordTable, { files }: Found): ScanRequest[] {
  return files.flatMap((file) => {
    const job = jobFor(table.file(file.key), file)
    return job === undefined ? [] : [{ job, bytes: Math.max(0, file.size - job.from) }]
  })
}

/** Reads files into the table. Returns when all of it is there. */
async function scan(
  parts: RefreshingParts,
  requests: readonly ScanRequest[],
  replaced: readonly KnownFile[],
  onProgress: ((progress: RefreshProgress) => void) | undefined,
): Promise<{ bytesRead: number; failures: ScanFailure[] }> {
  const progress: RefreshProgress = {
    filesTotal: requests.length,
    bytesTotal: requests.reduce((sum, request) => sum + request.bytes, 0),
    bytesDone: 0,
  }
  if (requests.length > 0) onProgress?.(progress)
  const applying = createApplying(parts, replaced)
  const failures = await parts.scanning.run(requests, {
    update: applying.add,
    progress(bytes) {
      progress.bytesDone += bytes
      onProgress?.(progress)
    },
  })
  await applying.settle()
  return { bytesRead: progress.bytesDone, failures }
}

/**
 * Applies what was read. What takes the place of something that is counted, under the same key or the same path, is
 * held until its log was read to the end: one change then does both. What was not read to its end takes no place: the
 * next look reads it.
 */
function createApplying({ kept, change }: RefreshingParts, replaced: readonly KnownFile[]) {
  const applied: Promise<void>[] = []
  const held = new Map<string, ReadPart[]>()
  const oldAt = new Map(replaced.map(({ path, key }) => [path, key]))
  const replaces = ({ key, path, from }: FileUpdateHeader): boolean =>
    from === 0 && (oldAt.has(path) || (kept.table.file(key)?.counted ?? 0) > 0)
  return {
    add(encoded: ArrayBuffer): void {
      const part = { update: decodeFileUpdate(encoded), encoded }
      const { header } = part.update
      const parts = [...(held.get(header.key) ?? []), part]
      if (header.more === true && (parts.length > 1 || replaces(header))) return void held.set(header.key, parts)
      held.delete(header.key)
      const one = change(() => {
        for (const each of parts) kept.update(each)
        const old = oldAt.get(header.path)
        if (old !== undefined) kept.forget(old)
      })
      // a failure is thrown by `settle`
      one.catch(() => undefined)
      applied.push(one)
    },
    /** All that was read to its end is applied. */
    async settle(): Promise<void> {
      await Promise.all(applied)
    },
  }
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
