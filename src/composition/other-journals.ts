import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Config } from '../config.ts'
import { journalIdentity } from '../journal/identity.ts'
import type { Logger } from '../observability/logger.ts'
import type { JournalSign } from '../ports/journal-table.ts'
import { createJournaledPlaces } from '../shipping/journaled-places.ts'
import { createOtherJournals, type OtherJournals } from '../shipping/other-journals.ts'
import { instanceOf } from './instance.ts'
import type { WayIn } from './way-in.ts'

/** Nobody else can use the database. */
const NO_OTHERS: OtherJournals = {
  join: async () => async () => undefined,
  follow: () => undefined,
  cannotJoin: () => undefined,
  end: () => undefined,
  whenCurrent: async () => undefined,
  mayLack: () => false,
  present: () => false,
  telling: (append) => append(),
  pending: () => [],
}

/** What an operator is to look up. */
const RUNBOOK = 'docs/runbooks/journals-apart.md'
/** What takes no longer is published in the usual way, and no news. */
const TOLD_AFTER_MS = 5000

/** The journals of instances that share the database server and not the journal's folder. */
export function openOtherJournals(config: Config, { journal, events }: WayIn, logger: Logger): OtherJournals {
  if (config.clickhouse.url === undefined) return NO_OTHERS
  const { id, canRead } = journalIdentity(config.journalDir)
  const places = createJournaledPlaces()
  events.on('ingest', (_, place) => places.add(place))
  return createOtherJournals({
    own: { journal: id, instance: `${hostname()}:${instanceOf(config.dataDir)}` },
    canRead,
    isPublished: (ledger) => (journal.isRead() ? places.areAllPublished(ledger) : undefined),
    remembered: rememberIn(join(config.dataDir, 'other-journals')),
    onLook: createPendingLog(logger),
  })
}

/** A file that is there where there were others. */
function rememberIn(path: string): { get(): boolean; set(known: boolean): void } {
  let known = existsSync(path)
  return {
    get: () => known,
    set(value) {
      known = value
      try {
        if (value) writeFileSync(path, '', { mode: 0o600 })
        else rmSync(path, { force: true })
      } catch {
        // a full disk: it is known until the next start
      }
    },
  }
}

/** What the health of the journal adds; `undefined` where others have nothing that is not published. */
export function describePending(pending: readonly JournalSign[]): string | undefined {
  const [first] = pending
  if (first === undefined) return undefined
  const more = pending.length === 1 ? '' : `, and ${pending.length - 1} more`
  return `${first.instance} has, or may have, what is not published in a journal (${first.journal}) that is not shared with this instance${more}: answers are stale (${RUNBOOK})`
}

/** Logs once what does not pass by itself, and its end. */
function createPendingLog(logger: Logger): (pending: readonly JournalSign[]) => void {
  let since: number | undefined
  let isTold = false
  return (pending) => {
    const detail = describePending(pending)
    if (detail === undefined) {
      if (isTold) logger.info('nobody has a journal any more that is not shared and has what is not published')
      since = undefined
      isTold = false
      return
    }
    since ??= performance.now()
    if (isTold || performance.now() - since < TOLD_AFTER_MS) return
    isTold = true
    logger.warn({ detail }, 'answers lack what another instance may have acknowledged')
  }
}
