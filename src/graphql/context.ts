import type { AccessChanges } from '../access/access-changes.ts'
import type { Principal, Role } from '../access/roles.ts'
import type { Backups } from '../backup/backup.ts'
import type { PriceOf } from '../domain/cost.ts'
import type { Provenance, SourcePreference } from '../domain/source.ts'
import type { TokenFilter } from '../domain/token-query.ts'
import type { RunControl } from '../migration/run-control.ts'
import type { AuditReading, RequestAudit } from '../ports/audit.ts'
import type { Budgets } from '../ports/budgets.ts'
import type { Compared, ComparedQuestion } from '../ports/comparison.ts'
import type { Isolation } from '../ports/isolation.ts'
import type { Answers, Basis } from '../reading/answers.ts'
import type { Follower } from '../reading/changes.ts'
import type { Decision, Explanation } from '../reading/decision.ts'
import type { Derived } from '../reading/derived.ts'
import type { Titles } from '../reading/titles.ts'
import type { Alerts } from '../risk/alerts.ts'
import type { Values } from '../risk/daily-values.ts'
import type { RiskWatch } from '../risk/watch.ts'
import type { Evidence } from '../rollout/evidence.ts'
import type { ExperimentReport } from '../rollout/experiment.ts'
import type { ListedFlag } from '../rollout/flag-list.ts'
import type { Guard } from '../rollout/guard.ts'
import type { Mismatches } from '../rollout/mismatches.ts'
import type { Ingest } from '../writing/ingest.ts'

/** The one who asks, as far as the choice of a source is concerned. */
export interface ViewerContext {
  /** For the whole history. */
  decision: Decision
  /** The stored choice. */
  preference: SourcePreference
  /** Whether a choice of the user's own counts. */
  mayChoose: boolean
  /** Whether subscriptions tell them figures. */
  realTimeUpdates: boolean
  /** Stores a choice, and decides anew. */
  choose(preference: SourcePreference): Promise<Decision>
  /** Why which source answers, were it asked now for what a filter selects. Nobody is counted for it. */
  explain(filter: TokenFilter): Explanation
}

export interface Component {
  name: string
  state: 'UP' | 'DEGRADED' | 'DOWN' | 'OFF'
  detail: string
  /** Since it was asked, or heard of, last; `null` where it is a part of this process. */
  ageSeconds: number | null
}

/** What the log says of a request, beside its path and status. */
export interface RequestNotes {
  /** Type and name of the operation, as `query Dashboard`; absent where there was none. */
  operation?: string
  /** Of each answer: what was asked, why, and whether it came from the cache. */
  answers: Pick<Provenance, 'source' | 'reason' | 'cache'>[]
  /** Codes of the errors that were answered. */
  errors: string[]
  /** To be called once the response was sent. */
  whenSent?: () => void
}

/** What resolvers get: made once for each request, from one snapshot of flags, of progress and of what is published. */
export interface RequestContext {
  requestId: string
  notes: RequestNotes
  principal: Principal
  viewer: ViewerContext
  /** Any user, as one whose token has these roles. */
  viewerOf: (userId: string, roles: readonly Role[]) => Pick<ViewerContext, 'explain'>
  answers: Answers
  /** What follows from answers. */
  derived: Derived
  titles: Titles
  priceOf: PriceOf
  /** Records that were acknowledged or published and can be read nowhere now. */
  missingRecords: () => Promise<bigint>
  ingest: Ingest
  budgets: Pick<Budgets, 'cost' | 'records'>
  /** `undefined` while there is no database. */
  migrations: RunControl | undefined
  backups: Backups | undefined
  access: AccessChanges
  audit: RequestAudit
  auditReading: AuditReading
  isolation: Isolation
  /** `isKnown`: whether what is told of it elsewhere is known here. */
  guard: Pick<Guard, 'state' | 'trip' | 'reset'> & { isKnown(): boolean }
  flags: () => ListedFlag[]
  /** Tells when an answer of the caller's may have changed. */
  follow: () => Follower
  /** The same caller's, as of when it is called. */
  anew: () => RequestContext
  experiment: { report(from: number | undefined, to: number | undefined): ExperimentReport }
  /** A kept response, which followed from this, is sent again: that took so long. */
  noteSentAgain: (basis: Basis, ms: number) => void
  /** Comparisons of the two sources. */
  shadow: {
    mismatches: Pick<Mismatches, 'page'>
    evidence: Pick<Evidence, 'consistency' | 'comparisons'>
    compareNow: (question: ComparedQuestion) => Promise<Compared>
  }
  risk: Pick<RiskWatch, 'evaluate'> & {
    now(): number
    alerts: Pick<Alerts, 'all' | 'acknowledge' | 'resolve'> & {
      /** What indicators came to by some moment, on this instance. */
      valuesAt(moment: number): { at: number; values: Values } | undefined
    }
  }
  health: () => Component[]
}
