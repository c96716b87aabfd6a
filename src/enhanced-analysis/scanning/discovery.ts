import { isUtf8 } from 'node:buffer'
import { type Dirent, readdirSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { transcriptKey } from '../../domain/log-name.ts'
import { comparePaths } from '../../domain/rank.ts'
import { formatOf } from '../../transcripts/format-of.ts'
import type { Root } from '../../transcripts/roots.ts'

/** A transcript that is on disk now. */
export interface FoundFile {
  /** `device:inode`. */
  key: string
  path: string
  root: string
  relativePath: string
  size: number
  modifiedNs: string
  /** Of its root. */
  format?: string | undefined
}

export interface Found {
  files: FoundFile[]
  unreadable: Unreadable[]
}

/** A folder or file that could not be read: nothing is known of what is in it. */
export interface Unreadable {
  path: string
  reason: string
}

/** What bytes that are no UTF-8 become in a name. */
const REPLACEMENT = '\ufffd'

/**
 * All transcripts under the roots: regular files with a name of the root's format, links below a root skipped.
 * A file that is reached by two paths (a root in a root, a hard link) is found once, by its first path.
 */
export function discover(roots: readonly Root[]): Found {
  const byKey = new Map<string, FoundFile>()
  const unreadable: Unreadable[] = []
  for (const root of roots) walk(root, root.path, byKey, unreadable)
  return { files: [...byKey.values()], unreadable }
}

function walk(root: Root, folder: string, byKey: Map<string, FoundFile>, unreadable: Unreadable[]): void {
  let entries: Dirent[]
  try {
    entries = readFolder(root, folder, unreadable)
  } catch (error) {
    if (!isGone(error)) unreadable.push({ path: folder, reason: (error as Error).message })
    return
  }
  for (const entry of entries) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) walk(root, path, byKey, unreadable)
    else if (entry.isFile() && formatOf(root).isTranscript(entry.name)) add(root, path, byKey, unreadable)
  }
}

/**
 * What is in a folder. Nothing can be opened under a name that is no UTF-8 and became one; as it may be a transcript,
 * or a folder of some, it is told.
 */
function readFolder(root: Root, folder: string, unreadable: Unreadable[]): Dirent[] {
  const entries = readdirSync(folder, { withFileTypes: true })
  if (!entries.some(({ name }) => name.includes(REPLACEMENT))) return entries
  const raw = readdirSync(folder, { withFileTypes: true, encoding: 'buffer' })
  for (const entry of raw) {
    if (isUtf8(entry.name)) continue
    if (entry.isDirectory() || (entry.isFile() && formatOf(root).isTranscript(entry.name.toString('latin1'))))
      unreadable.push({
        path: join(folder, withBytesShown(entry.name)),
        reason: 'its name is no UTF-8: rename it, so that it can be counted',
      })
  }
  const names = new Set(raw.filter(({ name }) => isUtf8(name)).map(({ name }) => name.toString()))
  return entries.filter(({ name }) => names.has(name))
}

/** By which a person finds it, and a shell, too (`$'…'`): ASCII as it is, other bytes as \\xNN. */
function withBytesShown(name: Buffer): string {
  return name.toString('latin1').replace(/[^ -~]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

function add(root: Root, path: string, byKey: Map<string, FoundFile>, unreadable: Unreadable[]): void {
  try {
    const stat = statSync(path, { bigint: true })
    if (!stat.isFile()) return
    const key = transcriptKey(stat)
    const other = byKey.get(key)
    if (other !== undefined && comparePaths(other.path, path) <= 0) return
    byKey.set(key, {
      key,
      path,
      root: root.path,
      relativePath: relative(root.path, path),
      size: Number(stat.size),
      modifiedNs: String(stat.mtimeNs),
      format: root.format,
    })
  } catch (error) {
    // it vanished between the two looks
    if (!isGone(error)) unreadable.push({ path, reason: (error as Error).message })
  }
}

function isGone(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOENT' || code === 'ENOTDIR'
}
