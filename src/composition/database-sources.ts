import { LRUCache } from 'lru-cache'
import type { Database } from '../clickhouse/database.ts'
import { createPublishedRecords } from '../clickhouse/published-records.ts'
import { archivedTokens } from '../migration/verification.ts'
import type { SourceHealth, TokenSource, UnpublishedRecords } from '../ports/token-source.ts'
import { createClickHouseSource, createHybridSource, type DatabaseSourcesOptions } from '../reading/database-sources.ts'
import { createTurns } from '../turns/in-turn.ts'
import type { PublishingSide } from './publishing-side.ts'

/** What answers from the database, alone or together with the files. */
export interface DatabaseSources {
  clickhouse: TokenSource
  hybrid: TokenSource
}

/** Questions that are answered at once, and of one user. */
const QUESTIONS_AT_ONCE = 8
const QUESTIONS_OF_ONE = 2

export interface DatabaseSourcesParts {
  db: Database
  publishing: Pick<PublishingSide, 'gate' | 'ledger' | 'parts'>
  files: TokenSource & UnpublishedRecords
  /** Statements that the database carries out at once. */
  statementsAtOnce: number
  health: () => SourceHealth
}

export function createDatabaseSources(parts: DatabaseSourcesParts): DatabaseSources {
  const { files, publishing } = parts
  const { gate, ledger } = publishing
  // computing it takes a statement, so it is kept until something is published or the files change
  const archived = new LRUCache<string, bigint>({
    max: 1,
    ignoreFetchAbort: true,
    fetchMethod: () => archivedTokens(publishing.parts),
  })
  const options: DatabaseSourcesOptions = {
    files,
    published: createPublishedRecords(parts.db),
    read: gate.read,
    inTurn: createTurns({ atOnce: QUESTIONS_AT_ONCE, ofOneCaller: QUESTIONS_OF_ONE }),
    statementInTurn: createTurns({ atOnce: parts.statementsAtOnce }),
    archivedTokens: () => archived.forceFetch(`${ledger.seq()} ${files.counted()?.watermark}`),
    seq: ledger.seq,
    health: parts.health,
  }
  return { clickhouse: createClickHouseSource(options), hybrid: createHybridSource(options) }
}
