/** What names a log on this machine: `device:inode` of a transcript, through renames, or `journal:SEGMENT`. */
const JOURNAL = 'journal:'

export const transcriptKey = ({ dev, ino }: { dev: bigint | number; ino: bigint | number }): string => `${dev}:${ino}`
export const journalKey = (segment: string): string => `${JOURNAL}${segment}`
export const isJournalKey = (key: string): boolean => key.startsWith(JOURNAL)

/** The segment that a key of the journal names. */
export const segmentOf = (key: string): string => key.slice(JOURNAL.length)

/** The content that stood at a key, counted up when other content does, or under another name. */
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
