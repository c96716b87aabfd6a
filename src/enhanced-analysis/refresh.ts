import { sep } from 'node:path'
import { formatOf } from '../transcripts/format-of.ts'
import type { Root } from '../transcripts/roots.ts'
import { discover, type Found, type FoundFile } from './scanning/discovery.ts'
import type { ScanJob } from './scanning/file-scan.ts'
import type { Scanning } from './scanning/scanning.ts'
import { decodeFileUpdate, type FileUpdate } from './table/file-update.ts'
import type { KnownFile } from './table/known-file.ts'
import type { KnownRoot, RecordTable } from './table/record-table.ts'

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

export interface RefreshOptions {
  roots: readonly Root[]
  rootOf: (root: string) => KnownRoot
  scanning: Scanning
  table: () => RecordTable
  /** Applies what was found, in the order of the calls. */
  change: (apply: () => void) => Promise<void>
  /** What changes are made of. */
  forget: (key: string) => void
  rename: (file: FoundFile) => void
  apply: (update: Part) => void
  /** At the end, as the last change. */
  finish: () => void
}

/** What reading a byte range gave, as it is counted and as the index keeps it. */
export interface Part {
  update: FileUpdate
  encoded: ArrayBuffer
}

/**
 * One look at all transcripts. Where nothing was removed, no answer between two of its changes has less than one before
 * it: a log that is read anew takes the place of what was counted in one change, and a log is forgotten only when a
 * second look at the folders does not find it either.
 */
export async function refresh(
  options: RefreshOptions,
  onProgress?: (progress: RefreshProgress) => void,
): Promise<RefreshReport> {
  const { roots, rootOf, scanning, table, change, forget, rename } = options
  const found = discover(roots)
  const paths = new Set(found.files.map(({ path }) => path))
  const { removed, replaced } = lookAgain(roots, missingIn(found, table().transcripts()))
  const renamed = found.files.filter((file) => isRenamed(table().file(file.key), file, rootOf))
  const parts = createParts(options, replaced)
  await change(() => {
    for (const { key } of removed) forget(key)
    for (const file of renamed) rename(file)
  })
  const requests = found.files.flatMap((file) => {
    const job = jobFor(table().file(file.key), file)
    return job === undefined ? [] : [{ job, bytes: Math.max(0, file.size - job.from) }]
  })
  const progress: RefreshProgress = {
    filesTotal: requests.length,
    bytesTotal: requests.reduce((sum, request) => sum + request.bytes, 0),
    bytesDone: 0,
  }
  if (requests.length > 0) onProgress?.(progress)
  const failures = await scanning.run(requests, {
    update: parts.add,
    progress(bytes) {
      progress.bytesDone += bytes
      onProgress?.(progress)
    },
  })
  await parts.settle()
  const gone = failures.flatMap(({ job, outcome }) => (outcome === 'gone' ? (table().file(job.key) ?? []) : []))
  const alsoRemoved = lookAgain(roots, gone).removed
  // what is in the place of another log changed once more: the next look reads it
  for (const { job, outcome } of failures) if (outcome !== 'unreadable') paths.delete(job.path)
  await change(() => {
    for (const { key } of [...replaced.filter(({ path }) => paths.has(path)), ...alsoRemoved]) forget(key)
    options.finish()
  })
  return {
    files: found.files.length,
    filesRead: requests.length,
    bytesRead: progress.bytesDone,
    filesForgotten: removed.length + replaced.length,
    unreadable: [
      ...found.unreadable.map(({ path, reason }) => `${path}: ${reason}`),
      ...failures.flatMap(({ job, message }) => (message === undefined ? [] : [`${job.path}: ${message}`])),
    ],
    changed: requests.length + removed.length + replaced.length + renamed.length > 0,
  }
}

/**
 * Applies what was read. What takes the place of something that is counted, under the same key or the same path, is
 * held until its log was read to the end: one change then does both. What was not read to its end takes no place: the
 * next look reads it.
 */
function createParts({ table, change, apply, forget }: RefreshOptions, replaced: readonly KnownFile[]) {
  const applied: Promise<void>[] = []
  const held = new Map<string, Part[]>()
  const oldAt = new Map(replaced.map(({ path, key }) => [path, key]))
  const replaces = ({ key, path, from }: FileUpdate['header']): boolean =>
    from === 0 && (oldAt.has(path) || (table().file(key)?.counted ?? 0) > 0)

  return {
    add(encoded: ArrayBuffer): void {
      const part = { update: decodeFileUpdate(encoded), encoded }
      const { header } = part.update
      const parts = [...(held.get(header.key) ?? []), part]
      if (header.more === true && (parts.length > 1 || replaces(header))) return void held.set(header.key, parts)
      held.delete(header.key)
      const one = change(() => {
        parts.forEach(apply)
        const old = oldAt.get(header.path)
        if (old !== undefined) forget(old)
      })
      // it is heard below
      one.catch(() => undefined)
      applied.push(one)
    },
    /** All that was read to its end is applied. */
    async settle(): Promise<void> {
      await Promise.all(applied)
    },
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
function isRenamed(known: KnownFile | undefined, found: FoundFile, rootOf: (root: string) => KnownRoot): boolean {
  if (known === undefined || (known.path === found.path && known.root === found.root)) return false
  const before = formatOf(rootOf(known.root)).nameLog(known.relativePath)
  const after = formatOf(found).nameLog(found.relativePath)
  return before.pathSession === after.pathSession && (before.stem === after.stem || !known.usesStem)
}
