import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { KEY_FORM, parseKey } from '../domain/key-text.ts'
import { makeKey, readOwn } from '../key-file.ts'
import type { JournalKey } from './key.ts'
import { firstKeyIds } from './segments.ts'

/** JOURNAL_KEY, 32 bytes, or the path that JOURNAL_KEY_FILE names. */
type GivenKey = Buffer | { file: string }

const FILE_NAME = 'journal-key'
const ID_BYTES = 8

/**
 * The key of the journal: the one that is given, else that of the file in `dataDir`, made at the first start, mode
 * 0600. Throws, with one line that never shows a key, where there is none, or where it is not the key of the segments
 * in `journalDir`: with another one none of what they hold would be counted, and nobody would be told.
 */
export function loadJournalKey(dataDir: string, journalDir: string, given?: GivenKey): JournalKey {
  const segments = firstKeyIds(journalDir)
  const { name, bytes } = given === undefined ? ownKey(dataDir, journalDir, segments) : givenKey(given)
  const id = createHash('sha256').update(bytes).digest().subarray(0, ID_BYTES)
  const others = new Map([...segments].filter(([, named]) => named !== undefined))
  // some segments may have other keys, as long as one has ours: those are reported as damage when they are read
  if (others.size > 0 && ![...others.values()].includes(id.toString('hex')))
    throw new Error(`${name} holds another key (${id.toString('hex')}): ${remedy(journalDir, others)}`)
  return { bytes, id }
}

/** A key, and what it is called where something is wrong with it. */
interface NamedKey {
  name: string
  bytes: Buffer
}

type Segments = ReadonlyMap<string, string | undefined>

function givenKey(given: GivenKey): NamedKey {
  if (Buffer.isBuffer(given)) return { name: 'JOURNAL_KEY', bytes: given }
  const name = `JOURNAL_KEY_FILE (${given.file})`
  const bytes = parseKey(readOwn(given.file, name))
  if (bytes === undefined) throw new Error(`${name} does not hold a key of ${KEY_FORM}`)
  return { name, bytes }
}

function ownKey(dataDir: string, journalDir: string, segments: Segments): NamedKey {
  const name = join(dataDir, FILE_NAME)
  if (statSync(name, { throwIfNoEntry: false }) === undefined) {
    if (segments.size > 0) throw new Error(`${name} is missing: ${remedy(journalDir, segments)}`)
    makeKey(name)
  }
  const bytes = parseKey(readOwn(name, name))
  if (bytes === undefined)
    throw new Error(`${name} is damaged: restore it, or the journal that it encrypts cannot be read`)
  return { name, bytes }
}

function remedy(journalDir: string, segments: Segments): string {
  const ids = [...new Set(segments.values())].map((id) => id ?? 'unknown').join(', ')
  const are = segments.size === 1 ? 'is 1 segment that was' : `are ${segments.size} segments that were`
  return `in ${journalDir} there ${are} encrypted with the key ${ids}: put that key back, or move ${journalDir} away, which gives up the records in it`
}
