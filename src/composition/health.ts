import type { LegacySource } from '../enhanced-analysis/service/legacy-source.ts'
import type { Component } from '../graphql/context.ts'
import type { OpenJournal } from '../journal/journal.ts'
import type { Flags } from '../ports/flags.ts'
import type { AccessSide } from './access-side.ts'
import type { KeptDatabaseSide } from './kept-database-side.ts'
import type { ReadingSide } from './reading-side.ts'

export interface HealthParts {
  access: AccessSide
  legacy: LegacySource
  journal: OpenJournal
  database: KeptDatabaseSide
  reading: ReadingSide
  flags: Flags
}

export function componentsOf({ access, legacy, journal, database, reading, flags }: HealthParts): Component[] {
  return [
    { name: 'enhanced-analysis', ...legacy.health() },
    { name: 'journal', ...journal.health() },
    { name: 'clickhouse', ...database.health() },
    { name: 'publisher', ...database.publisher() },
    { name: 'redis', ...reading.cacheHealth() },
    { name: 'unleash', ...flags.health() },
    { name: 'access', ...access.health() },
  ]
}
