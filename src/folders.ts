import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Config } from './config.ts'

/** Throws, with the setting and the path, where a file or a part of the path to it is in place of a folder. */
export function requireFolders({ dataDir, journalDir, backupDir }: Config): void {
  requireFolder('DATA_DIR', dataDir)
  requireFolder('JOURNAL_DIR', journalDir)
  requireFolder('BACKUP_DIR', backupDir)
}

/** The same of one folder, which need not be there yet. */
export function requireFolder(setting: string, path: string): void {
  const problem = fileAt(path)
  if (problem === undefined) return
  const what = problem === path ? 'is a file' : `cannot be made: ${problem} is a file`
  throw new Error(`${setting} must be a folder, but ${path} ${what}: move it away, or set another folder`)
}

/** The first path, from here upwards, that is there and is no folder. */
function fileAt(path: string): string | undefined {
  const found = lookAt(path)
  if (found !== undefined) return found.isDirectory() ? undefined : path
  return dirname(path) === path ? undefined : fileAt(dirname(path))
}

function lookAt(path: string): { isDirectory(): boolean } | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch {
    // below a file, or in a folder that may not be entered: what is above it tells
    return undefined
  }
}
