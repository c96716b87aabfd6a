import { accessSync, constants, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Config } from './config.ts'
import { makeFolder } from './make-folder.ts'

/** Makes the folders that a start needs. Throws, with the setting and the path, where one cannot be made or written to. */
export function requireFolders({ dataDir, journalDir, backupDir }: Config): void {
  for (const [setting, path] of [
    ['DATA_DIR', dataDir],
    ['JOURNAL_DIR', journalDir],
  ] as const)
    provideFolder(setting, path)
  requireFolder('BACKUP_DIR', backupDir)
}

/** Makes one folder. Throws, with the setting and the path, where it cannot be made or written to. */
export function provideFolder(setting: string, path: string): void {
  requireFolder(setting, path)
  try {
    makeFolder(path)
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new Error(`${setting} ${path} cannot be made or written to (${code ?? message}): set another folder`, {
      cause: error,
    })
  }
}

/** Throws where no folder can be there, as a file is. It need not be there yet. */
function requireFolder(setting: string, path: string): void {
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
