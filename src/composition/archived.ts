import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Config } from '../config.ts'
import { isJournalKey } from '../domain/log-name.ts'
import { isEverything, type Scope, withinOneOf } from '../domain/scope.ts'
import type { LegacySource } from '../enhanced-analysis/service/legacy-source.ts'
import type { LogState } from '../ports/logs.ts'
import type { ArchivedHere } from '../reading/answers.ts'
import type { Decision } from '../reading/decision.ts'
import { type LocalLedger, readLocalLedger } from '../shipping/local-ledger.ts'
import { formatOf } from '../transcripts/format-of.ts'
import type { DatabaseSide } from './database-side.ts'
import type { KeptDatabaseSide } from './kept-database-side.ts'

/** What was published and is not on this disk: as the database says, and, while nobody can ask it, as the ledger does. */
export interface ArchivedSide {
  /** Transcripts are published, on whatever disk they are. */
  hasTranscripts(): boolean
  /** What an answer of the files does not have. Asked after it: what vanished before it is in it. */
  besides(answer: FilesAnswer): Promise<ArchivedHere>
  /** Records that are gone with a database that is lost, and are on this disk neither. */
  missing(): Promise<number>
  /** What a database that is lost took with it, in words; `undefined` where it is not lost. */
  describeLost(): string | undefined
}

/** An answer of the files: what was asked, by whom, and why they were chosen. */
export interface FilesAnswer {
  caller: string
  access: readonly Scope[]
  quality: boolean
  reason: Decision['reason']
}

export interface ArchivedOptions {
  local: LocalLedger | undefined
  legacy: Pick<LegacySource, 'logs'>
  database: Pick<KeptDatabaseSide, 'current' | 'whenTried'>
}

/** As it is when the server starts: from then on the database tells more. */
export const localLedgerOf = ({ dataDir }: Config): LocalLedger | undefined => readLocalLedger(join(dataDir, 'ledger'))

type Facts = Pick<LocalLedger['facts'], 'archived' | 'migrations' | 'verifiedTokens' | 'hasTranscripts'>

/** The database is not waited for longer: the ledger says nearly the same. */
const EXACT_WAIT_MS = 250
const NOTHING: ArchivedHere = { tokens: 0n, isStale: false }

export function createArchivedSide({ local, legacy: { logs }, database }: ArchivedOptions): ArchivedSide {
  /** Whose ledger is the truth about what was published: not that of a database which took the place of a lost one. */
  const believed = (): DatabaseSide | undefined => {
    const side = database.current()
    return side?.isLost() ? undefined : side
  }
  const facts = (): Facts | undefined => believed()?.ledger() ?? local?.facts
  /** Published editions that are not on this disk. */
  const gone = async (): Promise<LogState[]> => {
    const known = facts()
    if (known === undefined) return []
    if (believed() !== undefined) return [...known.archived(), ...(await logs.archived())]
    const published = local?.facts.states().filter(({ publishedTo }) => publishedTo > 0) ?? []
    return [...known.archived(), ...(published.length === 0 ? [] : await logs.absent(published))]
  }
  const isLost = (): boolean => local !== undefined && database.current()?.isLost() === true
  let missed = 0
  const missing = async (): Promise<number> => {
    missed = isLost() ? recordsOf((await gone()).filter(isTranscript)) : 0
    return missed
  }
  // health tells what is known, and asks nobody
  const note = (): void => void missing().catch(ignore)
  logs.onChange(note)
  void database.whenTried().then(note)

  return {
    hasTranscripts: () => facts()?.hasTranscripts() === true,
    async besides({ caller, access, quality, reason }) {
      const isAway = reason === 'SOURCE_UNAVAILABLE' || believed()?.isReachable() !== true
      if (!isAway && !quality) return NOTHING
      const editions = await gone()
      if (editions.length === 0) return NOTHING
      // never figures of the database while it is disabled
      const exact = isAway || isDisabled(reason) ? undefined : await exactly(believed(), access, caller)
      const tokens = exact ?? tokensOf(editions.filter(isSeenBy(access)), facts())
      return { tokens, isStale: isAway && editions.some(isTranscript) }
    },
    missing,
    describeLost() {
      if (local === undefined || !isLost()) return undefined
      const published = [...local.facts.states(), ...local.facts.archived()].filter(
        ({ publishedTo }) => publishedTo > 0,
      )
      const nowhere = missed === 0 ? '' : `; ${missed} of them can be read nowhere`
      return `${recordsOf(published)} records of ${published.length} logs that were published are not in it${nowhere}`
    },
  }
}

const ignore = (): void => undefined
const isTranscript = ({ key }: LogState): boolean => !isJournalKey(key)
const isDisabled = (reason: Decision['reason']): boolean => reason === 'BRIDGE_DISABLED' || reason === 'GUARD_TRIPPED'

/** A release before said of no edition how many it has. */
const recordsOf = (editions: readonly LogState[]): number => editions.reduce((sum, { records = 1 }) => sum + records, 0)

async function exactly(
  side: DatabaseSide | undefined,
  access: readonly Scope[],
  caller: string,
): Promise<bigint | undefined> {
  const asked = side?.archivedTokens(access, caller).catch(ignore)
  return Promise.race([asked, sleep(EXACT_WAIT_MS, undefined, { ref: false })]).then((tokens) => tokens ?? undefined)
}

/** Whose the records of a segment are is not known of its edition: who sees a part is not told of them. */
function isSeenBy(access: readonly Scope[]): (edition: LogState) => boolean {
  if (isEverything(access)) return () => true
  const isWithin = withinOneOf(access)
  return (edition) => {
    const { relativePath, user, host } = edition
    if (!isTranscript(edition) || user === undefined || host === undefined) return false
    return isWithin({ user, host, project: formatOf({}).nameLog(relativePath).project })
  }
}

/**
 * At most so many: some may have another copy that is on disk. Where a release before did not note them with the edition,
 * what runs noted of its log.
 */
function tokensOf(editions: readonly LogState[], facts: Facts | undefined): bigint {
  const ofRuns = (key: string): bigint =>
    facts?.migrations().reduce((sum, { id }) => sum + facts.verifiedTokens(id, key), 0n) ?? 0n
  return editions.reduce((sum, { key, tokens }) => sum + (tokens === undefined ? ofRuns(key) : BigInt(tokens)), 0n)
}
