import type { OpenJournal } from '../journal/journal.ts'
import {
  type LostRevocations,
  lostRevocationsPath,
  readLostRevocations,
  writeLostRevocations,
} from '../lost-revocations-file.ts'
import type { Logger } from '../observability/logger.ts'
import type { SegmentExtent } from '../ports/journal.ts'

export interface LostRevocationsOptions {
  dataDir: string
  journal: Pick<OpenJournal, 'whenRead' | 'isRead' | 'extents'>
  /** Whether what was told in the database is known: it has what the journal has lost. */
  isToldElsewhere: () => boolean
  logger: Logger
}

/** For so long it is taken to be the same. */
const LOOK_MS = 1000

/** Whatever is lost: a revocation is an entry without records, and missing in no answer. */
const isLost = ({ readTo, acknowledgedTo, unreadable }: SegmentExtent): boolean =>
  readTo < acknowledgedTo || unreadable.length > 0

/**
 * Before when revocations may be lost with a part of the journal, in milliseconds since 1970; `undefined` where none are.
 * It is remembered over starts: a token stays unknown that was issued before the first of them which noticed.
 */
export function createLostRevocations(options: LostRevocationsOptions): () => number | undefined {
  const { dataDir, journal, isToldElsewhere, logger } = options
  let lost = readLostRevocations(dataDir)
  let lookedAt = Number.NEGATIVE_INFINITY
  /** What was lost before the journal was read; what is lost later on may be of any time until then. */
  const startedAt = Date.now()
  let isFirst = true
  const keep = (next: LostRevocations | undefined): void => {
    lost = next
    try {
      writeLostRevocations(dataDir, next)
    } catch (error) {
      logger.warn({ err: error, path: lostRevocationsPath(dataDir) }, 'that cannot be noted for the next start')
    }
  }
  const look = (): void => {
    lookedAt = performance.now()
    const isShort = journal.extents().some(isLost)
    if (isShort && lost === undefined) keep({ before: isFirst ? startedAt : Date.now(), why: 'SHORT' })
    else if (!isShort && lost?.why === 'SHORT') keep(undefined)
    isFirst = false
  }
  if (lost?.why === 'UNKNOWN')
    logger.warn({ ...lost }, 'revocations may be lost with a part of the journal: docs/runbooks/access.md')
  // else it was closed before it was read
  journal.whenRead().then(look, () => undefined)
  return () => {
    if (isToldElsewhere()) return undefined
    if (journal.isRead() && performance.now() - lookedAt >= LOOK_MS) look()
    return lost?.before
  }
}
