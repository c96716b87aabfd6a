import { createHash, randomBytes } from 'node:crypto'
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
import { join } from 'node:path'
import type { JournalKey } from './key.ts'
import { firstKeyIds } from './segments.ts'

const FILE_NAME = 'journal-key'
const KEY_BYTES = 32
const ID_BYTES = 8

/**
 * The key file of the journal, made at the first start, mode 0600. Throws where it is not the key of the segments in
 * `journalDir`: with another one none of what they hold would be counted, and nobody would be told.
 */
export function loadJournalKey(dataDir: string, journalDir: string): JournalKey {
  const path = join(dataDir, FILE_NAME)
  const segments = firstKeyIds(journalDir)
  if (!isFile(path)) {
    if (segments.size > 0) throw new Error(`${path} is missing: ${remedy(journalDir, segments)}`)
    make(dataDir, path)
  }
  if ((statSync(path).mode & 0o077) !== 0) throw new Error(`${path} can be read by others: chmod 600 it`)
  const bytes = Buffer.from(readFileSync(path, 'utf8').trim(), 'hex')
  if (bytes.length !== KEY_BYTES)
    throw new Error(`${path} is damaged: restore it, or the journal that it encrypts cannot be read`)
  const id = createHash('sha256').update(bytes).digest().subarray(0, ID_BYTES)
  const others = new Map([...segments].filter(([, named]) => named !== undefined))
  // some segments may have other keys, as long as one has ours: those are reported as damage when they are read
  if (others.size > 0 && ![...others.values()].includes(id.toString('hex')))
    throw new Error(`${path} holds another key (${id.toString('hex')}): ${remedy(journalDir, others)}`)
  return { bytes, id }
}

function remedy(journalDir: string, segments: ReadonlyMap<string, string | undefined>): string {
  const ids = [...new Set(segments.values())].map((id) => id ?? 'unknown').join(', ')
  const are = segments.size === 1 ? 'is 1 segment that was' : `are ${segments.size} segments that were`
  return `in ${journalDir} there ${are} encrypted with the key ${ids}: put that key back, or move ${journalDir} away, which gives up the records in it`
}

/**
 * Makes the key file. It is whole and on disk before anything is encrypted with the key, which could not be read
 * otherwise.
 */
function make(dataDir: string, path: string): void {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
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
  const folder = openSync(dataDir, 'r')
  fsyncSync(folder)
  closeSync(folder)
}

const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined
