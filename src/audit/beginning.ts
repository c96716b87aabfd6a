import { randomBytes } from 'node:crypto'
import { statSync, truncateSync } from 'node:fs'
import { makeFolder } from '../make-folder.ts'
import { auditFiles, syncFolder, tailOf } from './files.ts'
import { beginningOf, type FoundHead, type Head, readHead } from './head.ts'
import type { Link } from './line.ts'
import { createLinesAfter } from './lines.ts'

/** Actions that the audit log notes by itself. */
export const BEGUN = 'audit begun'
export const DAMAGED = 'audit damaged'
export const UNFINISHED = 'audit unfinished'
export const REMOVED = 'audit removed'
/** An operator knows of a problem that `verifyAudit` told: its text is the detail. */
export const ACKNOWLEDGED = 'audit acknowledged'

/** Where a chain goes on, and what is to be noted of how it was found. */
export interface Beginning {
  head: Head
  notes: { action: string; detail: string }[]
}

/**
 * Looks where the chain of a folder ends. What its head says of the end counts: where the files have less, the chain
 * goes on behind what is missing, so that the gap is found for good. `isKeyOld`: there was a key, and so a chain, before.
 * Throws where it cannot be gone on with.
 */
export function findBeginning(folder: string, key: Buffer, isKeyOld = false): Beginning {
  makeAuditFolder(folder)
  const found = readHead(folder, key)
  if (found === 'other-key')
    throw new Error(
      `the audit log in ${folder} was written with another key: put that AUDIT_KEY back, or move ${folder} away, which begins a new chain`,
    )
  const files = auditFiles(folder)
  const [last] = files.slice(-1)
  if (last === undefined) return withoutFiles(found, isKeyOld)
  const { line, unfinished } = tailOf(last)
  const notes: Beginning['notes'] = []
  if (unfinished > 0) {
    truncateSync(last.path, last.size - unfinished)
    syncFolder(folder)
    notes.push({ action: UNFINISHED, detail: `${unfinished} bytes of an unfinished entry were taken off` })
  }
  const tail = line && { position: line.entry.position, hmac: line.hmac }
  if (typeof found === 'object') return goingOn(folder, found, tail, notes)
  if (tail === undefined)
    throw new Error(
      `the audit log in ${folder} has neither its head nor its last entry: move it away to begin a new one`,
    )
  const detail = `its head was ${found}: what was cut off before this entry cannot be known`
  return { head: { ...tail, chain: newChain() }, notes: [{ action: DAMAGED, detail }, ...notes] }
}

const ALL_GONE = 'there was a key of before, and no entry: somebody removed all of them, or the first start was cut off'

const newChain = (): string => randomBytes(8).toString('hex')

function makeAuditFolder(folder: string): void {
  try {
    makeFolder(folder)
  } catch (error) {
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== false) throw error
    throw new Error(`${folder} is no folder, and stands where the audit log is: move it away`, { cause: error })
  }
}

function withoutFiles(found: Exclude<FoundHead, 'other-key'>, isKeyOld: boolean): Beginning {
  if (typeof found === 'object' && found.position >= 0)
    return { head: found, notes: [{ action: DAMAGED, detail: `all entries up to ${found.position} are missing` }] }
  const head = typeof found === 'object' ? found : beginningOf(newChain())
  const begun = { action: BEGUN, detail: `chain ${head.chain}` }
  return { head, notes: isKeyOld && found === 'missing' ? [begun, { action: DAMAGED, detail: ALL_GONE }] : [begun] }
}

function goingOn(folder: string, found: Head, tail: Link | undefined, notes: Beginning['notes']): Beginning {
  const { chain, position, hmac } = found
  // an entry that was written and not acknowledged, because the process was killed
  if (tail !== undefined && tail.position > position) {
    if (isOfThese(folder, found)) return { head: { ...tail, chain, damaged: damagedBehind(folder, found) }, notes }
    const other = `its head (${chain}, at ${position}) is not that of its files, which end at ${tail.position}`
    return { head: { ...tail, chain: newChain() }, notes: [{ action: DAMAGED, detail: other }, ...notes] }
  }
  if (tail !== undefined && tail.position === position && tail.hmac === hmac) return { head: found, notes }
  const end = tail === undefined ? 'in no entry' : `at ${tail.position}`
  const detail = `its head was at ${position}, its files ended ${end}`
  return { head: found, notes: [{ action: DAMAGED, detail }, ...notes] }
}

/** Whether the entry of a head is in the files; before the first of them nobody can say. */
function isOfThese(folder: string, { position, hmac }: Head): boolean {
  const [line] = createLinesAfter(folder).read(position - 1)
  return position < 0 || line === undefined || line.entry.position > position || line.hmac === hmac
}

/** Entries that came after the head was written, because the process was killed, may say that the log was damaged. */
function damagedBehind(folder: string, { position, damaged }: Head): number | undefined {
  const entries = createLinesAfter(folder).read(position)
  return entries.reduce((so, { entry }) => damagedAfter(so, entry.position, entry.action), damaged)
}

/** Where the log says that it was damaged, once this entry is in it: the first place counts, until it is acknowledged. */
export function damagedAfter(damaged: number | undefined, position: number, action: string): number | undefined {
  if (action === ACKNOWLEDGED) return undefined
  return action === DAMAGED ? (damaged ?? position) : damaged
}
