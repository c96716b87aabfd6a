import { type Edition, isJournalKey } from '../../domain/log-name.ts'
import type { LogState } from '../../ports/logs.ts'
import type { Digested, DigestRequest } from '../scanning/digesting.ts'
import type { KnownFile } from '../table/known-file.ts'
import type { RecordTable } from '../table/record-table.ts'
import { type AttachingParts, attachAll, attachSegment, recognize } from './attaching.ts'
import { isSameFile } from './recognizing.ts'
import { createRegisteredLogs, inodeOf } from './registered-logs.ts'

/**
 * What the ledger knows of each log, compared with what is on disk now. A file that is compared is _attached_: it says
 * which log it is, its edition, and how far that is published.
 */
export interface AttachedLogs {
  /** Takes what the ledger knows: at the start, and whenever something was published, retired or registered. */
  update(states: readonly LogState[]): void
  /** Attaches files that are new, were replaced or renamed: all, or the one of a key. */
  attach(key?: string): void
  /** What must be read of files before they can be attached, or further than they are. */
  unproven(): DigestRequest[]
  /** It was read. */
  proven(digested: readonly Digested[]): void
  /** The database has lost something of these logs: their editions are to be retired. */
  distrust(keys: readonly string[]): void
  /** Editions that are to be retired before their logs are shipped anew; with the path under which they are registered then. */
  retired(): LogState[]
  isRetired(file: KnownFile): boolean
  /** What was published of logs that are not on disk any more, or with other content. */
  archived(): LogState[]
  /** Which of these editions no file is, as far as names and a look around what was counted say. */
  absent(states: readonly LogState[]): LogState[]
  /** Published editions that this disk has not, or not as far as they are published. */
  lacking(): Edition[]
  /** Files that are not those that were registered: their bytes show what they are. */
  elsewhere(): number
  /** What the ledger knows of a file's log. */
  stateOf(file: KnownFile): LogState | undefined
}

export function createAttachedLogs(table: RecordTable): AttachedLogs {
  const logs = createRegisteredLogs()
  const toRetire = new Map<string, LogState>()
  /** Editions of which the database has lost something, by log: also of logs that are looked at only later. */
  const distrusted = new Map<string, number>()
  const parts: AttachingParts = { table, logs, toRetire, distrusted }

  return {
    update(states) {
      let isNew = false
      for (const state of states) {
        const { key, edition } = state
        if (logs.set(state)) isNew = true
        if (edition > (toRetire.get(key)?.edition ?? edition)) toRetire.delete(key)
        if (edition > (distrusted.get(key) ?? edition)) distrusted.delete(key)
        const file = table.fileOfLog(key)
        if (file?.byMutation === true) attachSegment(parts, file)
        else if (file?.isRegistered === true) recognize(parts, file, 'path')
        else if (file !== undefined) file.attached = false
      }
      // any file may be one of them
      if (isNew) for (const file of table.transcripts()) if (!file.isRegistered) file.attached = false
      attachAll(parts)
    },
    attach(key) {
      const file = key === undefined ? undefined : table.file(key)
      if (file?.byMutation === true) attachSegment(parts, file)
      else attachAll(parts)
    },
    unproven: () => [...table.transcripts()].filter(({ wanted }) => wanted.size > 0).map((file) => requestOf(file)),
    proven(digested) {
      for (const { key, reading, digests } of digested) {
        const file = table.file(key)
        if (file === undefined || file.reading !== reading) continue
        for (const [to, sha256] of digests) {
          file.digests.set(to, sha256)
          file.wanted.delete(to)
        }
      }
      attachAll(parts)
    },
    distrust(keys) {
      for (const key of keys) {
        const state = logs.get(key)
        if (state === undefined) continue
        distrusted.set(key, state.edition)
        const file = table.fileOfLog(key)
        if (file === undefined || !isAttachedTo(file, state)) continue
        toRetire.set(key, state)
        file.publishedTo = 0
      }
    },
    // what was published of a log that is gone since stays counted
    retired: () => [...toRetire.values()].filter(({ key }) => isKnown(table.fileOfLog(key))),
    isRetired: ({ log }) => toRetire.has(log.key),
    archived: () => [...logs.values()].filter((state) => isArchived(table, state)),
    absent: (states) => absentAmong(table, states),
    lacking: () =>
      [...logs.values()]
        .filter((state) => isArchived(table, state) || table.fileOfLog(state.key)?.isBehind === true)
        .map(({ key, edition }) => ({ key, edition })),
    elsewhere: () =>
      [...table.transcripts()].filter((file) => file.isRegistered && file.registeredAt.inode !== file.key).length,
    stateOf: (file) => (isKnown(file) ? logs.get(file.log.key) : undefined),
  }
}

/** What must be read of a file: the bytes that are wanted, or these. */
export const requestOf = (file: KnownFile, to: readonly number[] = [...file.wanted]): DigestRequest => {
  const { key, path, reading, size, modifiedNs, fingerprint } = file
  return { key, path, reading, size, modifiedNs, fingerprint, to: to.toSorted((a, b) => a - b) }
}

const isKnown = (file: KnownFile | undefined): boolean => file !== undefined && (file.isRegistered || file.byMutation)

const isAttachedTo = (file: KnownFile, { key, edition }: LogState): boolean =>
  isKnown(file) && file.log.key === key && file.edition === edition

function isArchived(table: RecordTable, state: LogState): boolean {
  if (state.publishedTo === 0) return false
  const file = table.fileOfLog(state.key)
  if (file === undefined) return true
  return file.byMutation ? file.attached && file.edition !== state.edition : !file.isRegistered
}

function absentAmong(table: RecordTable, states: readonly LogState[]): LogState[] {
  const byName = Map.groupBy(table.knownFiles(), ({ byMutation, key, relativePath }) =>
    byMutation ? key : relativePath,
  )
  const byInode = Map.groupBy(table.transcripts(), ({ key }) => key)
  return states.filter((state) => {
    const isSegment = isJournalKey(state.key)
    const named = byName.get(isSegment ? state.key : state.relativePath) ?? []
    if (isSegment) return !named.some(({ counted }) => counted >= state.publishedTo)
    return ![...named, ...(byInode.get(inodeOf(state)) ?? [])].some(
      (file) => file.size >= state.publishedTo && isSameFile(file, state),
    )
  })
}
