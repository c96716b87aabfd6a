import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { KEY_FORM, parseKeys } from '../domain/key-text.ts'
import { makePrivate, newKey, readPrivate, replacePrivate } from '../private-files.ts'
import { lockPathOf, takeLock } from '../process-lock.ts'
import { type JournalKey, keyIds } from './key.ts'
import { firstKeyIds } from './segments.ts'

/** JOURNAL_KEY, keys of 32 bytes, or the path that JOURNAL_KEY_FILE names. */
type GivenKeys = readonly Buffer[] | { file: string }

const FILE_NAME = 'journal-key'
const ID_BYTES = 8

/**
 * The key of the journal, with its others: those that are given, else those of the file in `dataDir`, made at the first
 * start, mode 0600. Throws, with one line that never shows a key, where there is none, or where none of them is a key of
 * the segments in `journalDir`: with another one none of what they hold would be counted, and nobody would be told.
 */
export function loadJournalKey(dataDir: string, journalDir: string, given?: GivenKeys): JournalKey {
  const segments = firstKeyIds(journalDir)
  const { name, keys } = given === undefined ? ownKeys(dataDir, journalDir, segments) : givenKeys(given)
  const [key, ...more] = keys.map((bytes): JournalKey => ({ bytes, id: idOf(bytes) }))
  if (key === undefined) throw new Error(`${name} holds no key`)
  const others = new Map([...segments].filter(([, named]) => named !== undefined))
  const loaded = more.length === 0 ? key : { ...key, others: more }
  // some segments may have other keys, as long as one has ours: those are reported as damage when they are read
  if (others.size > 0 && !keyIds(loaded).some((id) => [...others.values()].includes(id)))
    throw new Error(`${name} holds another key (${keyIds(loaded).join(', ')}): ${remedy(journalDir, others)}`)
  return loaded
}

const idOf = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest().subarray(0, ID_BYTES)

/**
 * Makes a key that what is written from the next start on is encrypted with; those of before stay behind it in the file
 * in `dataDir`. Cut off at any moment, the file is that of before or that of after. Returns the new id. Throws where
 * there is no such file.
 */
export function rotateOwnKey(dataDir: string): string {
  const name = join(dataDir, FILE_NAME)
  // of two at once, one would leave out the key of the other, which a server may be using already
  const unlock = takeLock(lockPathOf(name))
  if (unlock === undefined) throw new Error(`${name} is being changed by another process`)
  try {
    const { keys } = readOwnKeys(name)
    const bytes = newKey()
    replacePrivate(name, textOf([bytes, ...keys]))
    return idOf(bytes).toString('hex')
  } finally {
    unlock()
  }
}

/** Keys, and what they are called where something is wrong with them. */
interface NamedKeys {
  name: string
  keys: readonly Buffer[]
}

type Segments = ReadonlyMap<string, string | undefined>

function givenKeys(given: GivenKeys): NamedKeys {
  if (!('file' in given)) return { name: 'JOURNAL_KEY', keys: given }
  const name = `JOURNAL_KEY_FILE (${given.file})`
  const keys = parseKeys(readPrivate(given.file, name))
  if (keys === undefined) throw new Error(`${name} does not hold a key of ${KEY_FORM}`)
  return { name, keys }
}

function ownKeys(dataDir: string, journalDir: string, segments: Segments): NamedKeys {
  const name = join(dataDir, FILE_NAME)
  if (statSync(name, { throwIfNoEntry: false }) === undefined) {
    if (segments.size > 0) throw new Error(`${name} is missing: ${remedy(journalDir, segments)}`)
    // on disk before anything is encrypted with it, which could not be read otherwise
    makePrivate(name, textOf([newKey()]))
  }
  return readOwnKeys(name)
}

function readOwnKeys(name: string): NamedKeys {
  const keys = parseKeys(readPrivate(name, name))
  if (keys === undefined)
    throw new Error(`${name} is damaged: restore it, or the journal that it encrypts cannot be read`)
  return { name, keys }
}

function remedy(journalDir: string, segments: Segments): string {
  const ids = [...new Set(segments.values())].map((id) => id ?? 'unknown').join(', ')
  const are = segments.size === 1 ? 'is 1 segment that was' : `are ${segments.size} segments that were`
  return `in ${journalDir} there ${are} encrypted with the key ${ids}: put that key back, or move ${journalDir} away, which gives up the records in it`
}

/** A key a line. */
const textOf = (keys: readonly Buffer[]): string => keys.map((key) => `${key.toString('hex')}\n`).join('')
