import { chmodSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { makeFolder } from './make-folder.ts'

/**
 * Locks that the kernel gives back when their holder dies, however it dies and whatever number its process had:
 * SQLite holds them (a POSIX lock between processes, its own book-keeping between the threads of one), and Node
 * closes what a thread had open when the thread ends. Nothing may open and close a lock file past SQLite: the
 * kernel would take that for the holder giving it back. So the file, which stays empty, is never removed either.
 */

/**
 * The lock of a file that one writer at a time may have. Not `.lock`: the release before left files of that name
 * with a number in them, which say nothing once their process is gone.
 */
export const lockPathOf = (path: string): string => `${path}.lockdb`

/** Two that come at the same moment may both find it taken; after so many milliseconds one of them has it. */
const MEETING_MS = 50
const SQLITE_BUSY = 5
const SQLITE_NOTADB = 26

/** What is held must not be given back by the garbage collector. */
const held = new Set<DatabaseSync>()

/**
 * Takes the lock of this path: one holder at a time, of all processes and threads. Returns how to give it back, or
 * `undefined` where another living one has it, and keeps it for so many milliseconds, which are waited for. Throws where the file cannot be made, or is no lock.
 */
export function takeLock(path: string, waitMs = MEETING_MS): (() => void) | undefined {
  let lock: DatabaseSync | undefined
  try {
    makeFolder(dirname(path))
    lock = new DatabaseSync(path, { timeout: waitMs })
    // no second file beside it, and no wait for a disk
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
    if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600)
  } catch (error) {
    if (lock?.isOpen) lock.close()
    const code = sqliteCode(error)
    if (code === SQLITE_BUSY) return undefined
    if (code === SQLITE_NOTADB)
      throw new Error(
        `${path} is no lock file, its content was changed: make sure that nothing uses it, and remove it`,
        {
          cause: error,
        },
      )
    throw new Error(
      `the lock file ${path} cannot be written (${(error as Error).message}): it must be in a folder that this user may write to`,
      { cause: error },
    )
  }
  const taken = lock
  held.add(taken)
  return () => {
    held.delete(taken)
    if (taken.isOpen) taken.close()
  }
}

/** SQLite's primary result code; `undefined` of any other error. */
function sqliteCode(error: unknown): number | undefined {
  const { errcode } = error as { errcode?: number }
  return errcode === undefined ? undefined : errcode & 0xff
}
