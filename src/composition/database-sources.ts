import { hash } from 'node:crypto'
import type { EventEmitter } from 'node:events'
import { LRUCache } from 'lru-cache'
import type { Database } from '../clickhouse/database.ts'
import { createPublishedEvidence } from '../clickhouse/published-evidence.ts'
import { createPublishedRecords } from '../clickhouse/published-records.ts'
import type { Scope } from '../domain/scope.ts'
import { createLogsBeyond } from '../migration/logs-beyond.ts'
import { archivedTokens } from '../migration/verification.ts'
import { POLICIES } from '../policies/policies.ts'
import type { Comparing } from '../ports/comparison.ts'
import type { ShippableLogs } from '../ports/logs.ts'
import type { PriceList } from '../ports/price-list.ts'
import type { PublishedInFiles, SourceHealth, TokenSource, UnpublishedRecords } from '../ports/token-source.ts'
import { createComparing } from '../reading/comparing.ts'
import {
  addedToFiles,
  createClickHouseSource,
  createHybridSource,
  type DatabaseSourcesOptions,
} from '../reading/database-sources.ts'
import { accessKey } from '../reading/question-key.ts'
import { type OnDatabaseAsked, timedPublished } from '../reading/timed-published.ts'
import type { LedgerFacts, LogNames } from '../shipping/ledger.ts'
import { createTurns } from '../turns/in-turn.ts'

/** What answers from the database, alone or together with the files. */
export interface DatabaseSources {
  clickhouse: TokenSource
  hybrid: TokenSource
  /** What both say of the same, and whether that is the same. */
  comparing: Comparing
  /** What copies that this disk has not add to the tokens of the files, within one of the scopes. */
  archivedTokens(access: readonly Scope[], caller?: string): Promise<bigint>
}

/** Questions that are answered at once: each sends one statement after the other. */
const QUESTIONS_AT_ONCE = POLICIES.clickhouse.question.atOnce
/** And of one user. */
const QUESTIONS_OF_ONE = 2
/** Numbers of archived tokens that are kept: two for each access that asks. */
const ARCHIVED_KEPT = 100

/** What is published, as this instance knows it now: by publishing, or by following whoever does. */
export interface PublishedView {
  ledger(): LedgerFacts & LogNames
  /** Runs what reads the database, so that all that it sees is of one moment. */
  read: DatabaseSourcesOptions['read']
  /** The same, where nobody waits for it: throws CONFLICT where something was published meanwhile. */
  readBriefly: DatabaseSourcesOptions['read']
}

/** A question of a user was put to the database. */
export interface DatabaseEvents {
  asked: Parameters<OnDatabaseAsked>
}

export interface DatabaseSourcesParts {
  db: Database
  view: PublishedView
  logs: ShippableLogs
  files: TokenSource & UnpublishedRecords & PublishedInFiles
  prices: PriceList
  /** Statements that the database carries out at once. */
  statementsAtOnce: number
  events: Pick<EventEmitter<DatabaseEvents>, 'emit'>
  health: () => SourceHealth
}

export function createDatabaseSources(parts: DatabaseSourcesParts): DatabaseSources {
  const { files, logs, view, prices } = parts
  const db = parts.db.for('question')
  const seq = (): number => view.ledger().seq()
  const evidence = createPublishedEvidence(db)
  // computing it takes statements, so it is kept until something is published or the files change
  const archived = new LRUCache<string, bigint, () => Promise<bigint>>({
    max: ARCHIVED_KEPT,
    ignoreFetchAbort: true,
    fetchMethod: (_key, _old, { context: compute }) => compute(),
  })
  const kept = (of: string, access: readonly Scope[], compute: () => Promise<bigint>): Promise<bigint> =>
    archived.forceFetch(`${seq()} ${files.counted()?.watermark} ${of} ${accessKey(access)}`, { context: compute })
  const published = createPublishedRecords(db, { prices })
  const inTurn = createTurns({ atOnce: QUESTIONS_AT_ONCE, ofOneCaller: QUESTIONS_OF_ONE })
  const statementInTurn = createTurns({ atOnce: parts.statementsAtOnce })
  const logsBeyond = createLogsBeyond({ ledger: view.ledger, evidence })
  const options: DatabaseSourcesOptions = {
    files,
    published: timedPublished(published, (...asked) => void parts.events.emit('asked', ...asked)),
    prices,
    read: view.read,
    inTurn,
    statementInTurn,
    archivedTokens: (access, without) =>
      kept(hash('sha256', without, 'hex'), access, () =>
        archivedTokens({ ledger: view.ledger(), logs, evidence, now: Date.now }, access, without),
      ),
    logsBeyond,
    generation: () => view.ledger().generation(),
    seq,
    health: parts.health,
  }
  return {
    clickhouse: createClickHouseSource(options),
    hybrid: createHybridSource(options),
    comparing: createComparing({
      files,
      published,
      evidence,
      logsBeyond,
      read: view.readBriefly,
      inTurn,
      statementInTurn,
      seq,
    }),
    archivedTokens: (access, caller) => kept('files', access, () => addedToFiles(options, access, caller)),
  }
}
