import { hash } from 'node:crypto'

/**
 * How a log is called, by every instance alike: as it was registered in the database first. Before it is, by where it
 * stands here.
 */
export interface LogIdentity {
  /** `log:HASH` of the path, or `journal:SEGMENT`; of a release before, `device:inode`. */
  key: string
  user: string
  host: string
  /** By which copies are ranked: `USER@HOST/PATH` under the root; of a release before, where it stood. */
  path: string
}

const JOURNAL = 'journal:'

/**
 * The identity of a transcript with this place under a root. `number` tells apart logs that would be called alike: of
 * two roots with one label, or of one place that has had several contents; the first is 1.
 */
export function logIdentity(
  { user, host }: { user: string; host: string },
  relativePath: string,
  number: number,
): LogIdentity {
  const path = `${user}@${host}/${relativePath}${number > 1 ? `~${number}` : ''}`
  // no path of anybody's is in the names of the store
  return { key: `log:${hash('sha256', path, 'hex').slice(0, 32)}`, user, host, path }
}

/** What names a transcript on this disk, through renames: `device:inode`. */
export const transcriptKey = ({ dev, ino }: { dev: bigint | number; ino: bigint | number }): string => `${dev}:${ino}`
export const journalKey = (segment: string): string => `${JOURNAL}${segment}`
export const isJournalKey = (key: string): boolean => key.startsWith(JOURNAL)

/** The segment that a key of the journal names. */
export const segmentOf = (key: string): string => key.slice(JOURNAL.length)

/** A time that a log was shipped: counted up when what was shipped of it before counts no more. */
export interface Edition {
  key: string
  edition: number
}

/** What the store knows an edition by: ledgers of several machines may ship to it. */
export interface LogName extends Edition {
  ledger: string
}

/** `KEY#EDITION` */
export const formatEdition = ({ key, edition }: Edition): string => `${key}#${edition}`

/** Reads what `formatEdition` wrote; `undefined` for any other text. */
export function parseEdition(text: string): Edition | undefined {
  const [, key, edition] = /^(.*)#(\d+)$/su.exec(text) ?? []
  return key === undefined ? undefined : { key, edition: Number(edition) }
}

/** `LEDGER/KEY#EDITION` */
export const formatLogName = ({ ledger, ...edition }: LogName): string => `${ledger}/${formatEdition(edition)}`

/** Reads what `formatLogName` wrote; `undefined` for any other text. */
export function parseLogName(text: string): LogName | undefined {
  const at = text.indexOf('/')
  const edition = at < 0 ? undefined : parseEdition(text.slice(at + 1))
  return edition === undefined ? undefined : { ledger: text.slice(0, at), ...edition }
}

/** In the names of the journal's segments, and in no other: for conditions of SQL. */
export const JOURNAL_IN_NAME = `/${JOURNAL}`
export const isJournalName = (name: string): boolean => name.includes(JOURNAL_IN_NAME)
