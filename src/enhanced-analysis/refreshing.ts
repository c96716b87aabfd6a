import { sep } from 'node:path'
import { type Formatted, formatOf } from '../transcripts/format-of.ts'
import type { Root } from '../transcripts/roots.ts'
import type { KeptTable } from './index/kept-table.ts'
import { discover, type Found, type FoundFile } from './scanning/discovery.ts'
import type { ScanJob } from './scanning/file-scan.ts'
import type { ScanFailure } from './scanning/scan-worker.ts'
import type { Scanning, ScanRequest } from './scanning/scanning.ts'
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

async function refresh(
  parts: RefreshingParts,
  onProgress: ((progress: RefreshProgress) => void) | undefined,
): Promise<RefreshReport> {
  const { kept, change } = parts
  const found = discover(parts.roots)
  const vanished = vanishedFrom(kept.table, found)
  const renamed = found.files.filter((file) => isRenamed(kept.table.file(file.key), file, parts.rootOf))
  await change(() => {
    for (const { key } of vanished) kept.forget(key)
    for (const file of renamed) kept.rename(file)
  })
  const requests = requestsFor(kept.table, found)
  const { bytesRead, failures } = await scan(parts, requests, onProgress)
  await change(() => {
    for (const { job, outcome } of failures) if (outcome === 'gone') kept.forget(job.key)
    kept.compactIfWasteful()
    parts.onApplied()
  })
  return {
    files: found.files.length,
    filesRead: requests.length,
    bytesRead,
    filesForgotten: vanished.length,
    unreadable: [
      ...found.unreadable.map(({ path, reason }) => `${path}: ${reason}`),
      ...failures.flatMap(({ job, message }) => (message === undefined ? [] : [`${job.path}: ${message}`])),
    ],
    changed: requests.length + vanished.length + renamed.length > 0,
  }
}

/** What is counted and not on disk any more. What cannot be read says nothing about the files in it. */
function vanishedFrom(table: RecordTable, { files, unreadable }: Found): KnownFile[] {
  const onDisk = new Set(files.map((file) => file.key))
  const isUnknown = (path: string): boolean =>
    unreadable.some((one) => path === one.path || path.startsWith(one.path + sep))
  return [...table.transcripts()].filter((file) => !onDisk.has(file.key) && !isUnknown(file.path))
}

function requestsFor(table: RecordTable, { files }: Found): ScanRequest[] {
  return files.flatMap((file) => {
    const job = jobFor(table.file(file.key), file)
    return job === undefined ? [] : [{ job, bytes: Math.max(0, file.size - job.from) }]
  })
}

/** Reads files into the table. Returns when all of it is there. */
async function scan(
  { scanning, kept, change }: RefreshingParts,
  requests: readonly ScanRequest[],
  onProgress: ((progress: RefreshProgress) => void) | undefined,
): Promise<{ bytesRead: number; failures: ScanFailure[] }> {
  const progress: RefreshProgress = {
    filesTotal: requests.length,
    bytesTotal: requests.reduce((sum, request) => sum + request.bytes, 0),
    bytesDone: 0,
  }
  if (requests.length > 0) onProgress?.(progress)
  const updates: Promise<void>[] = []
  const failures = await scanning.run(requests, {
    update(encoded) {
      const applied = change(() => kept.update(encoded))
      // a failure is thrown below, where all of them are awaited
      applied.catch(() => undefined)
      updates.push(applied)
    },
    progress(bytes) {
      progress.bytesDone += bytes
      onProgress?.(progress)
    },
  })
  await Promise.all(updates)
  return { bytesRead: progress.bytesDone, failures }
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
