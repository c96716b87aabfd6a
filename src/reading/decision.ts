import type { RoutingReason, SourceDecision, SourcePreference } from '../domain/source.ts'
import type { Cohort, UserFlags } from '../ports/flags.ts'

/** Everything that the choice of a source depends on, as of one moment. */
export interface DecisionFacts {
  flags: UserFlags
  /** There is a database. */
  hasDatabase: boolean
  /** It could be opened: before that nobody knows how far it is. */
  isDatabaseOpen: boolean
  /** Something was found to be wrong: everybody is on legacy until an operator resets it. */
  guardTripped: boolean
  /** The range that is asked for begins before the cut-over. */
  isHistorical: boolean
  /** 0 to 1. */
  progress: number
  threshold: number
  /** No log has bytes beyond its published position. */
  allPublished: boolean
  /** Transcripts are published, and this disk has none at all: the files cannot answer for them. */
  lacksTranscripts: boolean
  /** The user's choice, where it counts; AUTO: none. */
  preference: SourcePreference
}

export interface Decision extends SourceDecision {
  /** The user's arm of the experiment; `null` where the experiment does not decide. */
  cohort: Cohort | null
}

/**
 * Which source answers, and why. The order is that of the design: kill switch, guard, historical range, a
 * database that can be asked, progress, the user's choice, experiment, rollout. ClickHouse becomes the hybrid while it
 * does not have everything. An instance without transcripts answers what the database has, in whatever arm its user is.
 */
export function decideSource(facts: DecisionFacts): Decision {
  const { flags } = facts
  const legacy = (reason: RoutingReason, cohort: Cohort | null = null): Decision => ({
    source: 'LEGACY',
    reason,
    cohort,
  })
  const database = (reason: RoutingReason, cohort: Cohort | null = null): Decision => ({
    source: facts.progress < 1 || !facts.allPublished ? 'HYBRID' : 'CLICKHOUSE',
    reason,
    cohort,
  })
  const files = (reason: RoutingReason, cohort: Cohort | null = null): Decision =>
    facts.lacksTranscripts ? database('SOURCE_UNAVAILABLE', cohort) : legacy(reason, cohort)
  if (!flags.databaseBridge || !facts.hasDatabase) return legacy('BRIDGE_DISABLED')
  if (facts.guardTripped) return legacy('GUARD_TRIPPED')
  if (!flags.historicalData && facts.isHistorical) return legacy('HISTORICAL_DATA_DISABLED')
  if (!facts.isDatabaseOpen) return legacy('SOURCE_UNAVAILABLE')
  if (facts.progress < facts.threshold) return files('MIGRATION_BELOW_THRESHOLD')
  if (facts.preference === 'LEGACY') return legacy('USER_PREFERENCE')
  if (facts.preference === 'CLICKHOUSE') return database('USER_PREFERENCE')
  if (flags.cohort === 'legacy') return files('EXPERIMENT', flags.cohort)
  if (flags.cohort === 'database') return database('EXPERIMENT', flags.cohort)
  return database('ROLLOUT')
}
