import { digestVersion } from '../../domain/digest-version.ts'
import { logIdentity } from '../../domain/log-name.ts'
import type { LogState } from '../../ports/logs.ts'
import type { KnownFile } from '../table/known-file.ts'
import type { RecordTable } from '../table/record-table.ts'
import { tailDigest, unreadableBefore } from './log-ranges.ts'
import {
  candidatesByContent,
  candidatesByPath,
  hasSameProject,
  hasSameSessions,
  isHere,
  type Standing,
  standingOf,
} from './recognizing.ts'
import { inodeOf, type RegisteredLogs } from './registered-logs.ts'

export interface AttachingParts {
  table: RecordTable
  logs: RegisteredLogs
  toRetire: Map<string, LogState>
  distrusted: ReadonlyMap<string, number>
}

/** Attaches every file that was not compared yet, or not as far as the ledger knows its log. */
export function attachAll(parts: AttachingParts): void {
  const left: KnownFile[] = []
  let isWaiting = false
  for (const file of parts.table.knownFiles()) {
    if (file.attached && !file.isBehind) continue
    if (file.byMutation) {
      attachSegment(parts, file)
      continue
    }
    const found = recognize(parts, file, 'path')
    if (found === 'unknown') isWaiting = true
    else if (found === 'other') left.push(file)
  }
  // the log at the same path has priority: nothing is matched by content while a match by path is undecided
  if (isWaiting) return
  for (const file of left) if (recognize(parts, file, 'content') === 'other') callAnew(parts, file)
}

export function attachSegment({ logs, toRetire, distrusted }: AttachingParts, file: KnownFile): void {
  file.attached = true
  file.edition = 0
  file.publishedTo = 0
  file.setAside = new Set()
  const state = logs.get(file.log.key)
  if (state === undefined) return
  file.edition = state.edition
  if (!isSameSegment(file, state)) file.edition++
  else if (distrusted.get(state.key) !== state.edition) setPublished(file, state)
  else if (state.publishedTo > 0) toRetire.set(state.key, state)
}

function setPublished(file: KnownFile, { publishedTo, setAside = [] }: LogState): void {
  file.publishedTo = publishedTo
  file.setAside = new Set(setAside.filter((position) => position < publishedTo))
}

/** Attaches a file to the log that it is, among those that are looked for so. */
export function recognize(parts: AttachingParts, file: KnownFile, by: 'path' | 'content'): Standing {
  const { table, logs } = parts
  if (by === 'path') file.wanted.clear()
  const current = file.isRegistered ? logs.get(file.log.key) : undefined
  if (by === 'path' && current !== undefined) {
    const standing = standingOf(table, file, current)
    if (standing === 'same') return take(parts, file, current)
    if (goesOn(file, current, standing)) return 'same'
    file.attached = false
    file.publishedTo = 0
    if (standing === 'unknown') return 'unknown'
    file.isRegistered = false
  }
  const candidates = by === 'path' ? candidatesByPath(table, logs, file) : candidatesByContent(table, logs, file)
  for (const state of candidates) {
    const standing = standingOf(table, file, state)
    if (standing === 'same') return take(parts, file, state)
    if (standing === 'unknown') return 'unknown'
  }
  // the hash of its beginning is still to be read: it may be one of these logs
  return by === 'content' && file.wanted.size > 0 ? 'unknown' : 'other'
}

/** A file that was compared keeps what was found, while it has not yet, or not read yet, what was published since. */
function goesOn(file: KnownFile, { edition, content }: LogState, standing: 'other' | 'unknown'): boolean {
  if (!file.attached || file.publishedTo === 0 || file.edition !== edition) return false
  file.isBehind = standing === 'unknown' || (content?.to ?? 0) > file.counted
  return file.isBehind
}

function take({ table, toRetire, distrusted }: AttachingParts, file: KnownFile, state: LogState): 'same' {
  const { user, host } = { ...table.rootOf(file), ...definedOf(state) }
  // on this disk it was registered at another path: the records are to say so
  const hasMoved =
    isHere(file, state) &&
    !(hasSameProject(table, file, state.relativePath) && hasSameSessions(table, file, state.relativePath))
  const relativePath = hasMoved ? file.relativePath : state.relativePath
  table.call(file, { key: state.key, user, host, path: state.path }, relativePath)
  if (!file.attached || file.edition !== state.edition) file.setAside = new Set()
  const moved = { relativePath, inode: hasMoved ? file.key : inodeOf(state) }
  Object.assign(file, {
    attached: true,
    isRegistered: true,
    isBehind: false,
    edition: state.edition,
    registeredAt: moved,
  })
  for (const to of file.digests.keys()) if (to !== state.content?.to && to !== state.head?.to) file.digests.delete(to)
  const isBelieved = distrusted.get(state.key) !== state.edition
  if (!hasMoved && isBelieved && hasTail(table, file, state)) {
    toRetire.delete(state.key)
    setPublished(file, state)
  } else {
    file.publishedTo = 0
    // it must go before it comes anew
    if (state.publishedTo > 0) toRetire.set(state.key, { ...state, ...moved })
  }
  file.suspect = false
  return 'same'
}

/** Calls a file that no registered log is by where it stands, and so that no other log is called alike. */
function callAnew({ table, logs }: AttachingParts, file: KnownFile): void {
  const root = table.rootOf(file)
  const { relativePath } = file
  const isTaken = (key: string, path: string): boolean => {
    const owner = table.fileOfLog(key)
    return logs.hasPath(path) || logs.get(key) !== undefined || (owner !== undefined && owner !== file)
  }
  let number = root.number ?? 1
  let log = logIdentity(root, relativePath, number)
  while (isTaken(log.key, log.path)) log = logIdentity(root, relativePath, ++number)
  table.call(file, log, relativePath)
  Object.assign(file, { attached: true, isRegistered: false, isBehind: false, edition: 0, publishedTo: 0 })
  file.registeredAt = { relativePath, inode: file.key }
  file.suspect = false
}

const definedOf = ({ user, host }: LogState) => (user === undefined || host === undefined ? {} : { user, host })

/** Whether all that was published of a segment of the journal, and nothing more, can still be read. */
function isSameSegment(file: KnownFile, { publishedTo, unreadable = [] }: LogState): boolean {
  if (file.counted < publishedTo) return false
  return JSON.stringify(unreadableBefore(file, publishedTo)) === JSON.stringify(unreadable)
}

/** Whether a last line without its end that was published is still the same line. */
function hasTail(table: RecordTable, file: KnownFile, { fingerprint, publishedTo, tail }: LogState): boolean {
  if (publishedTo <= fingerprint.counted) return true
  if (tail === undefined) return false
  return tail === tailDigest(table, file, fingerprint.counted, publishedTo, digestVersion(tail))
}
