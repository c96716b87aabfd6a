import { digestVersion } from '../../domain/digest-version.ts'
import type { LogState } from '../../ports/logs.ts'
import { hasFingerprint } from '../scanning/file-scan.ts'
import type { KnownFile } from '../table/known-file.ts'
import type { RecordTable } from '../table/record-table.ts'
import { tailDigest, unreadableBefore } from './log-ranges.ts'

/**
 * What the ledger knows of each log, compared with what is on disk now. A log that is compared is _attached_: it says
 * its edition and how far that is published.
 */
export interface AttachedLogs {
  /** Takes what the ledger knows: at the start, and whenever something was published or retired. */
  update(states: readonly LogState[]): void
  /** Attaches logs that are new, were replaced or renamed: all, or the one of a key. */
  attach(key?: string): void
  /** The database has lost something of these logs: their editions are to be retired. */
  distrust(keys: readonly string[]): void
  /** Editions that are to be retired before their logs are shipped anew. */
  retired(): LogState[]
  isRetired(file: KnownFile): boolean
  /** What was published of logs that are not on disk any more, or with other content. */
  archived(): LogState[]
  /** Records of the file's edition that are published up to `from`; `undefined` where an earlier release shipped them. */
  recordsBefore(file: KnownFile, from: number): number | undefined
}

export function createAttachedLogs(table: RecordTable): AttachedLogs {
  const states = new Map<string, LogState>()
  const toRetire = new Map<string, LogState>()
  /** Editions of which the database has lost something, by log: also of logs that are looked at only later. */
  const distrusted = new Map<string, number>()

  const attach = (file: KnownFile): void => {
    file.attached = true
    file.edition = 0
    file.publishedTo = 0
    file.setAside = new Set()
    const state = states.get(file.key)
    if (state === undefined) return
    file.edition = state.edition
    const same = file.byMutation ? isSameSegment(file, state) : isSameLog(file, state)
    const believed = distrusted.get(file.key) !== state.edition
    if (same && !isRenamed(file, state) && believed && hasTail(table, file, state)) {
      file.publishedTo = state.publishedTo
      file.setAside = new Set(state.setAside?.filter((position) => position < state.publishedTo))
    } else if (!same) file.edition++
    // another name, a changed end, or not to be believed: what was published must go before it comes anew
    else if (state.publishedTo > 0) toRetire.set(file.key, state)
    file.suspect = false
  }

  const isArchived = (state: LogState): boolean => {
    if (state.publishedTo === 0) return false
    const file = table.file(state.key)
    return file === undefined || (file.attached && file.edition !== state.edition)
  }

  return {
    update(updates) {
      for (const state of updates) {
        const { key, edition } = state
        states.set(key, state)
        if (edition > (toRetire.get(key)?.edition ?? edition)) toRetire.delete(key)
        if (edition > (distrusted.get(key) ?? edition)) distrusted.delete(key)
        const file = table.file(key)
        // it may have been replaced or renamed meanwhile
        if (file !== undefined) attach(file)
      }
    },
    attach(key) {
      for (const file of key === undefined ? table.knownFiles() : [table.file(key)])
        if (file !== undefined && !file.attached) attach(file)
    },
    distrust(keys) {
      for (const key of keys) {
        const state = states.get(key)
        if (state === undefined) continue
        distrusted.set(key, state.edition)
        const file = table.file(key)
        if (file?.edition !== state.edition) continue
        toRetire.set(key, state)
        file.publishedTo = 0
      }
    },
    retired: () => [...toRetire.values()],
    isRetired: ({ key }) => toRetire.has(key),
    archived: () => [...states.values()].filter(isArchived),
    recordsBefore(file, from) {
      const state = states.get(file.key)
      return from === 0 || state?.edition !== file.edition ? 0 : state.records
    },
  }
}

const isRenamed = (file: KnownFile, state: LogState): boolean =>
  state.path !== file.path || state.root !== file.root || state.relativePath !== file.relativePath

function isSameLog(file: KnownFile, { fingerprint }: LogState): boolean {
  if (file.fingerprint.counted === fingerprint.counted && file.fingerprint.sha256 === fingerprint.sha256) return true
  return hasFingerprint(file.path, file.key, fingerprint)
}

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
