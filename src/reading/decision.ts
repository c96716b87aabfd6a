import type { RoutingReason, SourceDecision, SourcePreference } from '../domain/source.ts'
import { type Cohort, FLAG_NAMES, type UserFlags } from '../ports/flags.ts'

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

/** A row of the decision table: the first one that holds decides. */
interface Row {
  reason: RoutingReason
  holds: (facts: DecisionFacts) => boolean
  /** LEGACY: whatever happens. FILES: the database all the same where this disk has no transcripts. */
  answers: (facts: DecisionFacts) => 'LEGACY' | 'FILES' | 'DATABASE'
  /** What of the facts led there, for people. */
  because: (facts: DecisionFacts) => string
}

/**
 * The order is that of the design: kill switch, guard, historical range, a database that can be asked, progress, the
 * user's choice, experiment, rollout.
 */
const ROWS: readonly Row[] = [
  {
    reason: 'BRIDGE_DISABLED',
    holds: ({ flags, hasDatabase }) => !flags.databaseBridge || !hasDatabase,
    answers: () => 'LEGACY',
    because: ({ hasDatabase }) => (hasDatabase ? `${FLAG_NAMES.databaseBridge} is off` : 'there is no database'),
  },
  {
    reason: 'GUARD_TRIPPED',
    holds: ({ guardTripped }) => guardTripped,
    answers: () => 'LEGACY',
    because: () => 'the guard has tripped',
  },
  {
    reason: 'HISTORICAL_DATA_DISABLED',
    holds: ({ flags, isHistorical }) => !flags.historicalData && isHistorical,
    answers: () => 'LEGACY',
    because: () => `${FLAG_NAMES.historicalData} is off, and the range begins before the latest migration did`,
  },
  {
    reason: 'SOURCE_UNAVAILABLE',
    holds: ({ isDatabaseOpen }) => !isDatabaseOpen,
    answers: () => 'LEGACY',
    because: () => 'the database cannot be asked now',
  },
  {
    reason: 'MIGRATION_BELOW_THRESHOLD',
    holds: ({ progress, threshold }) => progress < threshold,
    answers: () => 'FILES',
    because: ({ progress, threshold }) =>
      `${progress} of the history is verified, and MIGRATION_PROGRESS_THRESHOLD is ${threshold}`,
  },
  {
    reason: 'USER_PREFERENCE',
    holds: ({ preference }) => preference !== 'AUTO',
    answers: ({ preference }) => (preference === 'LEGACY' ? 'LEGACY' : 'DATABASE'),
    because: ({ preference }) => `the user chose ${preference}, and may choose`,
  },
  {
    reason: 'EXPERIMENT',
    holds: ({ flags }) => flags.cohort !== null,
    answers: ({ flags }) => (flags.cohort === 'legacy' ? 'FILES' : 'DATABASE'),
    because: ({ flags }) => `the user is in the arm ${flags.cohort} of ${FLAG_NAMES.experiment}`,
  },
  {
    reason: 'ROLLOUT',
    holds: () => true,
    answers: () => 'DATABASE',
    because: () => `there is no experiment (${FLAG_NAMES.experiment} is disabled), and nothing speaks against it`,
  },
]

/**
 * Which source answers, and why. ClickHouse becomes the hybrid while it does not have everything. An instance without
 * transcripts answers what the database has, in whatever arm its user is.
 */
export function decideSource(facts: DecisionFacts): Decision {
  const { reason, answers } = rowOf(facts)
  const cohort = reason === 'EXPERIMENT' ? facts.flags.cohort : null
  const wanted = answers(facts)
  if (wanted === 'LEGACY' || (wanted === 'FILES' && !facts.lacksTranscripts))
    return { source: 'LEGACY', reason, cohort }
  const source = facts.progress < 1 || !facts.allPublished ? 'HYBRID' : 'CLICKHOUSE'
  return { source, reason: wanted === 'FILES' ? 'SOURCE_UNAVAILABLE' : reason, cohort }
}

// the last row always holds
const rowOf = (facts: DecisionFacts): Row => ROWS.find(({ holds }) => holds(facts)) as Row

export interface Explanation {
  decision: Decision
  /** The row that decided, and what led there: one line. */
  text: string
  /** Everything that the decision depended on, in the order in which it is looked at. */
  facts: { name: string; value: string }[]
}

/** Why a source answers. */
export function explainDecision(facts: DecisionFacts): Explanation {
  const decision = decideSource(facts)
  const row = rowOf(facts)
  const lacks = decision.source !== 'LEGACY' && row.answers(facts) === 'FILES'
  const also = [
    ...(lacks ? ['but this disk has no transcripts'] : []),
    ...(decision.source === 'HYBRID' ? ['and ClickHouse does not have everything yet'] : []),
  ].map((text) => `, ${text}`)
  return {
    decision,
    text: `${decision.source} (${decision.reason}): row ${ROWS.indexOf(row) + 1} of ${ROWS.length}, ${row.because(facts)}${also.join('')}`,
    facts: Object.values(FACTS).flatMap((told) => told(facts)),
  }
}

const fact = (name: string, value: string): Explanation['facts'] => [{ name, value }]
const said = (is: boolean): string => (is ? 'yes' : 'no')
const switched = (isOn: boolean): string => (isOn ? 'on' : 'off')

/** How each fact is told: one that is left out does not compile. */
const FACTS: Record<keyof DecisionFacts, (facts: DecisionFacts) => Explanation['facts']> = {
  flags: ({ flags }) => [
    ...fact(FLAG_NAMES.databaseBridge, switched(flags.databaseBridge)),
    ...fact(FLAG_NAMES.historicalData, switched(flags.historicalData)),
    ...fact(FLAG_NAMES.userSourceChoice, switched(flags.userSourceChoice)),
    ...fact(FLAG_NAMES.experiment, flags.cohort ?? 'disabled'),
  ],
  hasDatabase: ({ hasDatabase }) => fact('there is a database', said(hasDatabase)),
  guardTripped: ({ guardTripped }) => fact('the guard has tripped', said(guardTripped)),
  isHistorical: ({ isHistorical }) => fact('the range begins before the latest migration', said(isHistorical)),
  isDatabaseOpen: ({ isDatabaseOpen }) => fact('the database can be asked', said(isDatabaseOpen)),
  progress: ({ progress }) => fact('share of the history that is verified', `${progress}`),
  threshold: ({ threshold }) => fact('MIGRATION_PROGRESS_THRESHOLD', `${threshold}`),
  allPublished: ({ allPublished }) => fact('everything in the logs is published', said(allPublished)),
  lacksTranscripts: ({ lacksTranscripts }) => fact('this disk has transcripts', said(!lacksTranscripts)),
  preference: ({ preference }) => fact('what the user chose, where that counts', preference),
}
