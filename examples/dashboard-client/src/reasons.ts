import type { OverviewQuery } from './generated.ts'

type Provenance = OverviewQuery['tokenMetrics']['provenance']

/** Who answered; the compiler asks for each that the schema knows. */
const SOURCES: Record<Provenance['source'], string> = {
  LEGACY: 'the transcripts on disk',
  CLICKHOUSE: 'ClickHouse',
  HYBRID: 'ClickHouse and the transcripts, nothing twice',
}

const REASONS: Record<Provenance['reason'], string> = {
  BRIDGE_DISABLED: 'the bridge to ClickHouse is off for you, or there is none',
  EXPERIMENT: 'an experiment has you in this group',
  GUARD_TRIPPED: 'a wrong answer was found, or somebody pulled the emergency brake',
  HISTORICAL_DATA_DISABLED: 'the question reaches back to before the migration',
  MIGRATION_BELOW_THRESHOLD: 'too little of the history is verified in ClickHouse yet',
  ROLLOUT: 'everybody is answered so',
  SOURCE_UNAVAILABLE: 'the other source cannot answer now',
  USER_PREFERENCE: 'you asked for it',
}

export const explain = ({ source, reason, asOf, stale, sample }: Provenance): string =>
  `${sample ? 'A built-in sample, nobody’s figures. ' : ''}From ${SOURCES[source]}: ${REASONS[reason]}. ` +
  `As of ${new Date(asOf).toLocaleString('en')}${stale ? ', something may be missing' : ''}.`
