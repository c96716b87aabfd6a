import { randomBytes } from 'node:crypto'
import { mkdirSync, truncateSync } from 'node:fs'
import { auditFiles, syncFolder, tailOf } from './files.ts'
import { beginningOf, type FoundHead, type Head, readHead } from './head.ts'
import type { Link } from './line.ts'

/** Actions that the audit log notes by itself. */
export const BEGUN = 'audit begun'
export const DAMAGED = 'audit damaged'
export const UNFINISHED = 'audit unfinished'
export const REMOVED = 'audit removed'

/** Where a chain goes on, and what is to be noted of how it was found. */
export interface Beginning {
  head: Head
  notes: { action: string; detail: string }[]
}

/**
 * Looks where the chain of a folder ends. What its head says of the end counts: where the files have less, the chain
 * goes on behind what is missing, so that the gap is found for good. Throws where it cannot be gone on with.
 */
export function findBeginning(folder: string, key: Buffer): Beginning {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const found = readHead(folder, key)
  if (found === 'other-key')
    throw new Error(
      `the audit log in ${folder} was written with another key: put that AUDIT_KEY back, or move ${folder} away, which begins a new chain`,
    )
  const files = auditFiles(folder)
  const [last] = files.slice(-1)
  if (last === undefined) return withoutFiles(found)
  const { line, unfinished } = tailOf(last)
  const notes: Beginning['notes'] = []
  if (unfinished > 0) {
    truncateSync(last.path, last.size - unfinished)
    syncFolder(folder)
    notes.push({ action: UNFINISHED, detail: `${unfinished} bytes of an unfinished entry were taken off` })
  }
  const tail = line && { position: line.entry.position, hmac: line.hmac }
  if (typeof found === 'object') return goingOn(found, tail, notes)
  if (tail === undefined)
    throw new Error(
      `the audit log in ${folder} has neither its head nor its last entry: move it away to begin a new one`,
    )
  const detail = `its head was ${found}: what was cut off before this entry cannot be known`
  return { head: { ...tail, chain: newChain() }, notes: [{ action: DAMAGED, detail }, ...notes] }
}

const newChain = (): string => randomBytes(8).toString('hex')

function withoutFiles(found: Exclude<FoundHead, 'other-key'>): Beginning {
  if (typeof found === 'object' && found.position >= 0)
    return { head: found, notes: [{ action: DAMAGED, detail: `all entries up to ${found.position} are missing` }] }
  const head = typeof found === 'object' ? found : beginningOf(newChain())
  return { head, notes: [{ action: BEGUN, detail: `chain ${head.chain}` }] }
}

function goingOn(found: Head, tail: Link | undefined, notes: Beginning['notes']): Beginning {
  const { chain, position, hmac } = found
  // an entry that was written and not acknowledged, because the process was killed
  if (tail !== undefined && tail.position > position) return { head: { ...tail, chain }, notes }
  if (tail !== undefined && tail.position === position && tail.hmac === hmac) return { head: found, notes }
  const end = tail === undefined ? 'in no entry' : `at ${tail.position}`
  const detail = `its head was at ${position}, its files ended ${end}`
  return { head: found, notes: [{ action: DAMAGED, detail }, ...notes] }
}
