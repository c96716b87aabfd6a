import type { LegacySource } from '../enhanced-analysis/service/legacy-source.ts'
import type { Tracing } from '../observability/tracing/otlp.ts'
import type { Flags } from '../ports/flags.ts'
import type { OtherJournals } from '../shipping/other-journals.ts'
import type { AccessSide } from './access-side.ts'
import type { ArchivedSide } from './archived.ts'
import type { AuditSide } from './audit-side.ts'
import type { ExperimentSide } from './experiment.ts'
import type { FiguresSide } from './figures.ts'
import type { GuardSide } from './guard.ts'
import type { NamedComponent } from './health.ts'
import type { IsolationSide } from './isolation.ts'
import type { KeptDatabaseSide } from './kept-database-side.ts'
import type { ReadingSide } from './reading-side.ts'
import type { RiskSide } from './risk-side.ts'
import type { ShadowSide } from './shadow-side.ts'
import type { WayIn } from './way-in.ts'
import type { WritingSide } from './writing-side.ts'

/** All parts of a bridge, wired. */
export interface Sides {
  access: AccessSide
  isolation: IsolationSide
  guard: GuardSide
  experiment: ExperimentSide
  shadow: ShadowSide
  audit: AuditSide
  flags: Flags
  tracing: Tracing
  wayIn: WayIn
  otherJournals: OtherJournals
  legacy: LegacySource
  database: KeptDatabaseSide
  archived: ArchivedSide
  writing: WritingSide
  reading: ReadingSide
  risk: RiskSide
  figures: FiguresSide
  health: () => NamedComponent[]
}
