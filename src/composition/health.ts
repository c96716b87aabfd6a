import type { LegacySource } from '../enhanced-analysis/service/legacy-source.ts'
import type { Component } from '../graphql/context.ts'
import type { JournalHealth, OpenJournal } from '../journal/journal.ts'
import type { Flags } from '../ports/flags.ts'
import type { SourceHealth } from '../ports/token-source.ts'
import type { ComponentName } from '../risk/alert-names.ts'
import type { OtherJournals } from '../shipping/other-journals.ts'
import type { AccessSide } from './access-side.ts'
import type { ArchivedSide } from './archived.ts'
import type { AuditSide } from './audit-side.ts'
import type { GuardSide } from './guard.ts'
import type { IsolationSide } from './isolation.ts'
import type { KeptDatabaseSide } from './kept-database-side.ts'
import { lacksTranscripts } from './losses.ts'
import { describePending } from './other-journals.ts'
import type { ReadingSide } from './reading-side.ts'
import type { ShadowSide } from './shadow-side.ts'

export interface HealthParts {
  archived: ArchivedSide
  access: AccessSide
  audit: AuditSide
  isolation: IsolationSide
  guard: GuardSide
  shadow: Pick<ShadowSide, 'problem'>
  legacy: LegacySource
  journal: OpenJournal
  otherJournals: OtherJournals
  database: KeptDatabaseSide
  reading: ReadingSide
  flags: Flags
}

/** How everything is, as far as is known: nothing is asked for it. */
export function componentsOf({
  archived,
  access,
  audit,
  isolation,
  guard,
  shadow,
  legacy,
  journal,
  database,
  otherJournals,
  reading,
  flags,
}: HealthParts): NamedComponent[] {
  return [
    component('enhanced-analysis', analysisHealth(legacy, archived)),
    component('journal', journalHealth(journal, otherJournals)),
    component('clickhouse', databaseHealth(database, archived)),
    component('publisher', database.publisher()),
    component('redis', reading.cacheHealth()),
    component('unleash', flags.health()),
    component('access', access.health()),
    component('audit', audit.health()),
    component('isolation', isolation.health()),
    component('guard', guardHealth(guard, shadow)),
  ]
}

export type NamedComponent = Component & { name: ComponentName }

type Health = Pick<Component, 'state' | 'detail'> & { ageMs?: number | undefined }

const component = (name: ComponentName, { state, detail, ageMs }: Health): NamedComponent => ({
  name,
  state,
  detail,
  ageSeconds: ageMs === undefined ? null : ageMs / 1000,
})

/** An instance on whose disk there are no transcripts says so: it answers what the database has. */
function analysisHealth(legacy: LegacySource, archived: ArchivedSide): SourceHealth {
  const health = legacy.health()
  if (health.state !== 'UP' || !lacksTranscripts(legacy, archived)) return health
  return { state: 'DEGRADED', detail: 'no transcripts on this disk, though some are published: the database answers' }
}

/** What a database took with it that is lost, is told beside why it cannot be used. */
function databaseHealth(database: KeptDatabaseSide, archived: ArchivedSide): Health {
  const health = database.health()
  const lost = archived.describeLost()
  return lost === undefined ? health : { ...health, state: 'DEGRADED', detail: `${health.detail}; ${lost}` }
}

/** That others have what is in no answer here is no trouble of the journal itself, and is told beside it. */
function journalHealth(journal: OpenJournal, otherJournals: OtherJournals): JournalHealth {
  const { state, detail } = journal.health()
  const lacking = describePending(otherJournals.pending())
  if (lacking === undefined) return { state, detail }
  return { state: state === 'UP' ? 'DEGRADED' : state, detail: `${detail}; ${lacking}` }
}

/** Where everybody is on the files, nothing that is found is as important. */
function guardHealth(guard: GuardSide, shadow: HealthParts['shadow']): SourceHealth {
  const health = guard.health()
  return health.state === 'UP' ? (shadow.problem() ?? health) : health
}
