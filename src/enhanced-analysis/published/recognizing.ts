import { comparePaths } from '../../domain/rank.ts'
import type { LogState } from '../../ports/logs.ts'
import { formatOf } from '../../transcripts/format-of.ts'
import { hasFingerprint } from '../scanning/file-scan.ts'
import type { KnownFile } from '../table/known-file.ts'
import type { RecordTable } from '../table/record-table.ts'
import { inodeOf, type RegisteredLogs } from './registered-logs.ts'

// Which of the registered logs a file on this disk is. What it may be follows from its path and its beginning; what it
// is, from its bytes alone.

/** Whether a file is a log: `unknown` before the hash of its first bytes is there, which is then wanted. */
export type Standing = 'same' | 'other' | 'unknown'

/** The file stands where the log was registered, or did. */
export const isHere = (file: KnownFile, state: LogState): boolean => inodeOf(state) === file.key

export function standingOf(table: RecordTable, file: KnownFile, state: LogState): Standing {
  const { content } = state
  if (!isHere(file, state) && !hasSameSessions(table, file, state.relativePath)) return 'other'
  // as a release before this one knew it
  if (content === undefined) return isHere(file, state) && isSameFile(file, state) ? 'same' : 'other'
  if (content.to > file.counted) return 'other'
  if (content.to === 0) return standsFor(file, state) ? 'same' : 'other'
  const own = file.digests.get(content.to)
  if (own === undefined) {
    file.wanted.add(content.to)
    return 'unknown'
  }
  return own === content.sha256 ? 'same' : 'other'
}

/**
 * Whether a file is a log of which no whole line is published, so that there are no bytes by which it could be known: by
 * its path, or because it was this log before it was renamed. Whether a published last line is still there is looked at
 * after that.
 */
function standsFor(file: KnownFile, state: LogState): boolean {
  if (state.relativePath === file.relativePath) return state.publishedTo === 0 || isHere(file, state)
  return isHere(file, state) && file.isRegistered && file.log.key === state.key
}

/** Logs that were registered at the same path under their roots: the one with the same label first. */
export function candidatesByPath(table: RecordTable, logs: RegisteredLogs, file: KnownFile): LogState[] {
  const { user, host } = table.rootOf(file)
  const isOwn = (state: LogState): number => (state.user === user && state.host === host ? 0 : 1)
  return allowed(table, file, logs.at(file.relativePath)).sort(
    (a, b) => isOwn(a) - isOwn(b) || comparePaths(a.path, b.path),
  )
}

/** Logs that the file was under another name, and those that begin like it. */
export function candidatesByContent(table: RecordTable, logs: RegisteredLogs, file: KnownFile): LogState[] {
  const found = new Map(logs.withInode(file.key).map((state) => [state.key, state]))
  for (const to of logs.beginnings()) {
    if (to > file.counted) continue
    const own = file.digests.get(to)
    if (own === undefined) file.wanted.add(to)
    else for (const state of logs.beginningWith(to, own)) found.set(state.key, state)
  }
  return allowed(table, file, [...found.values()])
}

/** Those whose label the file may have, and which no other file is. */
function allowed(table: RecordTable, file: KnownFile, states: LogState[]): LogState[] {
  const { user, host, isLabelled = false } = table.rootOf(file)
  return states.filter((state) => {
    const owner = table.fileOfLog(state.key)
    if (owner !== undefined && owner !== file && owner.isRegistered) return false
    return !isLabelled || state.user === undefined || (state.user === user && state.host === host)
  })
}

/** Whether the file's records have the sessions that they have at this path. */
export function hasSameSessions(table: RecordTable, file: KnownFile, relativePath: string): boolean {
  const format = formatOf(table.rootOf(file))
  const own = format.nameLog(file.relativePath)
  const registered = format.nameLog(relativePath)
  return own.pathSession === registered.pathSession && (own.stem === registered.stem || !file.usesStem)
}

export function hasSameProject(table: RecordTable, file: KnownFile, relativePath: string): boolean {
  const format = formatOf(table.rootOf(file))
  return format.nameLog(file.relativePath).project === format.nameLog(relativePath).project
}

/** Whether a file has, around what was counted of a log, the bytes of that log. */
export function isSameFile(file: KnownFile, { fingerprint }: LogState): boolean {
  if (file.fingerprint.counted === fingerprint.counted && file.fingerprint.sha256 === fingerprint.sha256) return true
  return hasFingerprint(file.path, file.key, fingerprint)
}
