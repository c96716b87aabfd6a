import type { LegacySource } from '../enhanced-analysis/service/legacy-source.ts'
import type { Component } from '../graphql/context.ts'
import type { OpenJournal } from '../journal/journal.ts'
import type { Flags } from '../ports/flags.ts'
import type { SourceHealth } from '../ports/token-source.ts'
import type { KeptDatabaseSide } from './kept-database-side.ts'
import { lacksTranscripts } from './losses.ts'
import type { ReadingSide } from './reading-side.ts'

export interface HealthParts {
  legacy: LegacySource
  journal: OpenJournal
  database: KeptDatabaseSide
  reading: ReadingSide
  flags: Flags
}

export function componentsOf({ legacy, journal, database, reading, flags }: HealthParts): Component[] {
  return [
    { name: 'enhanced-analysis', ...analysisHealth(legacy, database) },
    { name: 'journal', ...journal.health() },
    { name: 'clickhouse', ...database.health() },
    { name: 'publisher', ...database.publisher() },
    { name: 'redis', ...reading.cacheHealth() },
    { name: 'unleash', ...flags.health() },
  ]
}

/** An instance on whose disk there are no transcripts says so: it answers what the database has. */
function analysisHealth(legacy: LegacySource, database: KeptDatabaseSide): SourceHealth {
  const health = legacy.health()
  if (health.state !== 'UP' || !lacksTranscripts(legacy, database.current())) return health
  return { state: 'DEGRADED', detail: 'no transcripts on this disk, though some are published: the database answers' }
}
