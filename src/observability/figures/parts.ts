import { alone, type Family, yesOrNo } from '../family.ts'

/** What the analysis tells of itself. */
export interface AnalysisFigures {
  transcripts: number
  records: number
  /** Copies that do not count and have other figures, of another user or another way in. */
  conflicts: number
  bytesRead: number
  refreshes: number
  /** Milliseconds since 1970; 0 before the first refresh. */
  refreshedAt: number
}

/** What a migration tells of itself: the latest run. */
export interface MigrationFigures {
  state: string
  progress: number
  tokensTotal: bigint
  tokensVerified: bigint
  filesVerified: number
  tokensPerSecond: number | null
  secondsLeft: number | null
  difference: bigint | null
  errorCount: number
}

/** What the audit log tells of itself. */
export interface AuditFigures {
  /** Of its last entry. */
  position: number
  isWritable: boolean
  /** Since the start, by what was unusual. */
  alarms: Readonly<Record<string, number>>
}

/** A flag that should be gone by now. */
export interface OverdueFlag {
  name: string
  owner: string
}

type Row<Figures> = [
  name: string,
  type: 'counter' | 'gauge',
  help: string,
  pick: (figures: Figures) => number | null | undefined,
]

/** Figures without labels; without anything that could tell them, there are none. */
const families = <Figures>(rows: Row<Figures>[], figures: () => Figures | undefined): Family[] =>
  rows.map(([name, type, help, pick]) => ({
    name: `token_bridge_${name}`,
    type,
    help,
    labelNames: [],
    values: () => {
      const now = figures()
      return alone(now && pick(now))
    },
  }))

const ANALYSIS: Row<AnalysisFigures>[] = [
  ['transcripts', 'gauge', 'Transcripts on disk.', ({ transcripts }) => transcripts],
  ['token_records', 'gauge', 'Token records that are counted.', ({ records }) => records],
  [
    'conflicting_copies',
    'gauge',
    'Copies that do not count and have other figures than the one that does, of another user or another way in.',
    ({ conflicts }) => conflicts,
  ],
  [
    'transcript_read_bytes_total',
    'counter',
    'Bytes of transcripts read since the start.',
    ({ bytesRead }) => bytesRead,
  ],
  ['analysis_refreshes_total', 'counter', 'Looks at all transcripts since the start.', ({ refreshes }) => refreshes],
  [
    'analysis_refreshed_timestamp_seconds',
    'gauge',
    'When the last look began.',
    ({ refreshedAt }) => refreshedAt / 1000,
  ],
]

export const analysisFamilies = (figures: () => AnalysisFigures | undefined): Family[] => families(ANALYSIS, figures)

const RUN: Row<MigrationFigures>[] = [
  ['progress_ratio', 'gauge', 'Verified tokens of the latest run over those of its catalogue.', (run) => run.progress],
  ['tokens', 'gauge', 'Tokens that the latest run carries.', (run) => Number(run.tokensTotal)],
  ['verified_tokens', 'gauge', 'Of them, verified.', (run) => Number(run.tokensVerified)],
  ['verified_files', 'gauge', 'Transcripts of the latest run that are verified.', (run) => run.filesVerified],
  ['tokens_per_second', 'gauge', 'Rate of the latest run while it carries.', (run) => run.tokensPerSecond],
  ['left_seconds', 'gauge', 'What it still takes at this rate.', (run) => run.secondsLeft],
  [
    'difference_tokens',
    'gauge',
    'What the latest verification found.',
    ({ difference }) => (difference === null ? null : Number(difference)),
  ],
  ['errors_total', 'counter', 'What held shipping up since the start.', (run) => run.errorCount],
]

export const runFamilies = (run: () => MigrationFigures | undefined): Family[] => [
  ...families(
    RUN.map(([name, ...row]): Row<MigrationFigures> => [`migration_${name}`, ...row]),
    run,
  ),
  {
    name: 'token_bridge_migration_state',
    type: 'gauge',
    help: '1 for the state that the latest run is in.',
    labelNames: ['state'],
    values: () => {
      const now = run()
      return now === undefined ? [] : [[{ state: now.state }, 1]]
    },
  },
]

const AUDIT: Row<AuditFigures>[] = [
  [
    'audit_position',
    'gauge',
    'Position of the last entry of the audit log: it never goes back.',
    ({ position }) => position,
  ],
  [
    'audit_writable',
    'gauge',
    '1 while the audit log can be written; else nothing is changed.',
    ({ isWritable }) => yesOrNo(isWritable),
  ],
]

export const auditFamilies = (audit: () => AuditFigures): Family[] => [
  ...families(AUDIT, audit),
  {
    name: 'token_bridge_unusual_access_alarms_total',
    type: 'counter',
    help: 'Alarms since the start: a caller with more requests, records or failures within a minute than is usual.',
    labelNames: ['measure'],
    values: () => Object.entries(audit().alarms).map(([measure, alarms]) => [{ measure }, alarms]),
  },
]

export const flagFamilies = (overdue: () => readonly OverdueFlag[]): Family[] => [
  {
    name: 'token_bridge_flag_overdue',
    type: 'gauge',
    help: 'Flags that should be gone by now, 1 each.',
    labelNames: ['flag', 'owner'],
    values: () => overdue().map(({ name, owner }) => [{ flag: name, owner }, 1]),
  },
]
