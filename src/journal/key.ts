import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The key that the journal is encrypted with. */
export interface JournalKey {
  /** 32 bytes (AES-256). */
  bytes: Buffer
  /** Names the key without telling it: the first 8 bytes of its SHA-256. */
  id: Buffer
}

const FILE_NAME = 'journal-key'
const KEY_BYTES = 32
const ID_BYTES = 8

/** The key file of the journal, made at the first start, mode 0600. Without it the journal cannot be read. */
export function loadJournalKey(dataDir: string): JournalKey {
  const path = join(dataDir, FILE_NAME)
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  try {
    writeFileSync(path, `${randomBytes(KEY_BYTES).toString('hex')}\n`, { flag: 'wx', mode: 0o600, flush: true })
  } catch (error) {
    // it was made before, or by another process just now
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  if ((statSync(path).mode & 0o077) !== 0) throw new Error(`${path} can be read by others: chmod 600 it`)
  const bytes = Buffer.from(readFileSync(path, 'utf8').trim(), 'hex')
  if (bytes.length !== KEY_BYTES)
    throw new Error(`${path} is damaged: restore it, or the journal that it encrypts cannot be read`)
  return { bytes, id: createHash('sha256').update(bytes).digest().subarray(0, ID_BYTES) }
}
