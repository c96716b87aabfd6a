import { randomBytes } from 'node:crypto'
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'

const KEY_BYTES = 32
/** A file that is larger holds no key, whatever is in it. */
const MAX_FILE_BYTES = 4096

/** The text of a small file that nobody but its owner can read. `name` is what it is called in errors. */
export function readOwn(path: string, name: string): string {
  try {
    const file = statSync(path)
    // a pipe would be waited for
    if (!file.isFile()) throw new Error(`${name} is no file`)
    if ((file.mode & 0o077) !== 0) throw new Error(`${name} can be read by others: chmod 600 it`)
    return file.size > MAX_FILE_BYTES ? '' : readFileSync(path, 'utf8').trim()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw code === undefined ? error : new Error(`${name} cannot be read (${code})`, { cause: error })
  }
}

/**
 * Makes a file that holds a new key. It is whole and on disk before anything is done with the key, which could not be
 * read, or checked, otherwise.
 */
export function makeKey(path: string): void {
  const folder = dirname(path)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const unnamed = `${path}.${randomBytes(4).toString('hex')}`
  writeFileSync(unnamed, `${randomBytes(KEY_BYTES).toString('hex')}\n`, { flag: 'wx', mode: 0o600, flush: true })
  try {
    linkSync(unnamed, path)
  } catch (error) {
    // another process was faster
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(unnamed)
  }
  const open = openSync(folder, 'r')
  fsyncSync(open)
  closeSync(open)
}
