import { type Dirent, readdirSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { comparePaths } from '../domain/rank.ts'
import type { Root } from './roots.ts'

/** A transcript that is on disk now. */
export interface FoundFile {
  /** `device:inode`. */
  key: string
  path: string
  root: string
  relativePath: string
  size: number
  modifiedNs: string
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

const SUFFIX = '.jsonl'

/**
 * All transcripts under the roots: regular files whose name ends in `.jsonl`, links below a root skipped.
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
    entries = readdirSync(folder, { withFileTypes: true })
  } catch (error) {
    if (!isGone(error)) unreadable.push({ path: folder, reason: (error as Error).message })
    return
  }
  for (const entry of entries) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) walk(root, path, byKey, unreadable)
    else if (entry.isFile() && entry.name.endsWith(SUFFIX)) add(root, path, byKey, unreadable)
  }
}

function add(root: Root, path: string, byKey: Map<string, FoundFile>, unreadable: Unreadable[]): void {
  try {
    const stat = statSync(path, { bigint: true })
    if (!stat.isFile()) return
    const key = `${stat.dev}:${stat.ino}`
    const other = byKey.get(key)
    if (other !== undefined && comparePaths(other.path, path) <= 0) return
    byKey.set(key, {
      key,
      path,
      root: root.path,
      relativePath: relative(root.path, path),
      size: Number(stat.size),
      modifiedNs: String(stat.mtimeNs),
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
