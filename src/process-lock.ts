import { closeSync, mkdirSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

/** The lock of a file that one process at a time may write. */
export const lockPathOf = (path: string): string => `${path}.lock`

/**
 * Takes the right to write a file: one process at a time. Returns how to give it back, or `undefined`
 * where another living process has it.
 */
export function takeLock(path: string): (() => void) | undefined {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      const fd = openSync(path, 'wx', 0o600)
      writeSync(fd, String(process.pid))
      closeSync(fd)
      return () => unlinkSync(path)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      if (isHeld(path)) return undefined
      removeStale(path)
    }
  }
  return undefined
}

/** Gives back a lock that a thread of this process held when it died. */
export function releaseLockOfThisProcess(path: string): void {
  try {
    if (Number.parseInt(readFileSync(path, 'utf8'), 10) === process.pid) unlinkSync(path)
  } catch {
    // there is none
  }
}

/** Held by a living process, this one included. A lock without a number is one that is being written. */
function isHeld(path: string): boolean {
  try {
    const pid = Number.parseInt(readFileSync(path, 'utf8'), 10)
    if (Number.isNaN(pid)) return true
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it lives and belongs to another user
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function removeStale(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    // another process was faster
  }
}
