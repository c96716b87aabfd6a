import { randomBytes } from 'node:crypto'
import {
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { makeFolder } from './make-folder.ts'

// Small files that nobody but their owner can read: keys, and what names something. Each is whole, or not there.

const KEY_BYTES = 32
/** A file that is larger holds nothing of the kind, whatever is in it. */
const MAX_BYTES = 64 << 10

export const newKey = (): Buffer => randomBytes(KEY_BYTES)

/** The text of such a file. `name` is what it is called in errors. */
export function readPrivate(path: string, name: string): string {
  try {
    const file = statSync(path)
    // a pipe would be waited for
    if (!file.isFile()) throw new Error(`${name} is no file`)
    if ((file.mode & 0o077) !== 0) throw new Error(`${name} can be read by others: chmod 600 it`)
    return file.size > MAX_BYTES ? '' : readFileSync(path, 'utf8').trim()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw code === undefined ? error : new Error(`${name} cannot be read (${code})`, { cause: error })
  }
}

/** Makes a file, and its folder. Of several that come at the same time the first one counts. It is on disk afterwards. */
export function makePrivate(path: string, text: string): void {
  makeFolder(dirname(path))
  const unnamed = writeUnnamed(path, text)
  try {
    linkSync(unnamed, path)
  } catch (error) {
    // another process was faster
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(unnamed)
  }
  syncFolder(dirname(path))
}

/** Puts another text in place of a file's. Cut off at any moment, it is that of before or that of after. */
export function replacePrivate(path: string, text: string): void {
  renameSync(writeUnnamed(path, text), path)
  syncFolder(dirname(path))
}

/** On disk, under a name that nobody reads. */
function writeUnnamed(path: string, text: string): string {
  const unnamed = `${path}.${randomBytes(4).toString('hex')}`
  writeFileSync(unnamed, text, { flag: 'wx', mode: 0o600, flush: true })
  return unnamed
}

function syncFolder(path: string): void {
  const folder = openSync(path, 'r')
  fsyncSync(folder)
  closeSync(folder)
}
