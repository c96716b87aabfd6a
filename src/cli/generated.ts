/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
/** Where an alert stands. */
export type AlertState =
  /** Somebody sees to it. */
  | 'ACKNOWLEDGED'
  /** It is so no more. */
  | 'CLOSED'
  /** Nobody has seen to it: it goes up a level after 2 and after 8 hours. */
  | 'OPEN';

/** What is known of how the database does beside legacy. */
export type ArmVerdict =
  /** It is not worse by more than it may be. */
  | 'HEALTHY'
  /** It cannot be told, and more questions do not help: `reason` says why. */
  | 'INCONCLUSIVE'
  /** It is worse. */
  | 'REGRESSED'
  /** Too little: `reason` says how many more questions it takes. */
  | 'WAITING';

/** How a part of the bridge is. */
export type ComponentState =
  /** It works in part; `detail` says what is missing. */
  | 'DEGRADED'
  /** It does not work; `detail` says why. */
  | 'DOWN'
  /** It is not configured. */
  | 'OFF'
  /** It works. */
  | 'UP';

/** Where an answer comes from. */
export type DataSource =
  /** What is published in ClickHouse. */
  | 'CLICKHOUSE'
  /** ClickHouse for what is published and verified there, the files for the rest; nothing twice. */
  | 'HYBRID'
  /** The transcripts on disk and the journal, counted directly. */
  | 'LEGACY';

/** Of the bridge's user to the database server, while the bridge is isolated. */
export type DatabaseAccess =
  /** The bridge may not take it away: an administrator can, by `sql`. */
  | 'KEPT'
  /** There is no database server. */
  | 'NONE'
  /** The bridge has taken it away. */
  | 'REVOKED';

/** Where accepted records are safe. */
export type Durability =
  /** In the journal on disk; on their way into ClickHouse where that is on. */
  | 'JOURNALED'
  /** In the journal on disk and in ClickHouse. */
  | 'STORED';

export type IngestTokenRecordsInput = {
  /** The same key with the same records gives the first answer again; 1 to 200 characters. */
  idempotencyKey?: string | null | undefined;
  /** At most 1000. */
  records: Array<TokenRecordInput>;
};

export type MachineTokenInput = {
  /** Absent: everything. Each must lie within one of your own. */
  access?: Array<ScopeInput> | null | undefined;
  note?: string | null | undefined;
  roles: Array<string>;
  /** Such as 90d, the default. */
  ttl?: string | null | undefined;
  userId: string | number;
};

/** Where a run of the migration stands. */
export type MigrationState =
  /** Everything that was listed is in ClickHouse, compared with a difference of 0. */
  | 'COMPLETED'
  /** It stopped at what `error` says; it can be verified again, repaired or rolled back, and another one be started. */
  | 'FAILED'
  /** An operator stopped it; it goes on where it was. */
  | 'PAUSED'
  /** What it will carry is being listed. */
  | 'PLANNED'
  /** Nothing that it carried is seen any more. */
  | 'ROLLED_BACK'
  /** What it carried is being taken out of what readers see. */
  | 'ROLLING_BACK'
  /** It carries the history into ClickHouse. */
  | 'RUNNING'
  /** What was carried is read back and compared. */
  | 'VERIFYING';

/** Commands of the server's machine that change or hand out something by themselves. */
export type NotedCommand =
  /** `token-bridge isolate`. */
  | 'ISOLATE'
  /** `token-bridge rejoin`. */
  | 'REJOIN'
  /** `token-bridge journal rotate-key`. */
  | 'ROTATE_KEY'
  /** `token-bridge migrate schema`. */
  | 'SCHEMA'
  /** `token-bridge token`. */
  | 'TOKEN';

/** Where the sender has the record: decides between equal copies of it. */
export type RecordOriginInput = {
  offset: string;
  path: string;
};

/** Why a source answers this user now; the first that holds. */
export type RoutingReason =
  /** The flag database_bridge_enabled is off for this user, or there is no database. */
  | 'BRIDGE_DISABLED'
  /** The user’s arm of the experiment dashboard_ab_test. */
  | 'EXPERIMENT'
  /** A wrong answer was found, or an operator pulled the emergency brake: everybody is on the files. */
  | 'GUARD_TRIPPED'
  /** The flag historical_data_enabled is off, and the question reaches back to before the migration. */
  | 'HISTORICAL_DATA_DISABLED'
  /** Less of the history is verified in ClickHouse than MIGRATION_PROGRESS_THRESHOLD. */
  | 'MIGRATION_BELOW_THRESHOLD'
  /** There is no experiment, and everything else allows ClickHouse. */
  | 'ROLLOUT'
  /** The source that was chosen cannot answer now: the files answer instead. */
  | 'SOURCE_UNAVAILABLE'
  /** The user asked for this source, and may choose. */
  | 'USER_PREFERENCE';

/** A record is within a scope if every list that is there names its value. A token sees (an ingester: writes) what is within one of its scopes. */
export type ScopeInput = {
  hosts?: Array<string> | null | undefined;
  projects?: Array<string> | null | undefined;
  users?: Array<string> | null | undefined;
};

/** How bad it is when a threshold is crossed. */
export type Severity =
  /** Figures may be wrong or lost. */
  | 'CRITICAL'
  /** What was promised to users is broken. */
  | 'HIGH'
  /** It warns, or can be recovered with some effort. */
  | 'MEDIUM';

/** Which source somebody wants to be answered by. */
export type SourcePreference =
  /** As the flags and the migration allow. */
  | 'AUTO'
  /** ClickHouse, or hybrid while it has not everything. */
  | 'CLICKHOUSE'
  /** The files. */
  | 'LEGACY';

/** Each from 0 to 10^12. */
export type TokenCountsInput = {
  cacheCreation?: string | null | undefined;
  /** Part of cacheCreation: written for an hour, which is dearer. */
  cacheCreation1h?: string | null | undefined;
  cacheRead?: string | null | undefined;
  input: string;
  output: string;
};

/** Which records are counted; what is absent selects all. Half-open: from <= time < to. */
export type TokenFilter = {
  /** Git branches; the empty string is: none known. */
  branches?: Array<string> | null | undefined;
  /** First moment. */
  from?: string | null | undefined;
  hosts?: Array<string> | null | undefined;
  models?: Array<string> | null | undefined;
  projects?: Array<string> | null | undefined;
  sessionIds?: Array<string | number> | null | undefined;
  /** true: sub-agents' records alone; false: without them. */
  sidechain?: boolean | null | undefined;
  /** End, itself not included. */
  to?: string | null | undefined;
  users?: Array<string> | null | undefined;
};

export type TokenRecordInput = {
  /** The git branch; none known, if absent. */
  branch?: string | null | undefined;
  host?: string | null | undefined;
  /** For token-bridge push: the identity that the enhanced analysis gave it, 32 hexadecimal digits. Whoever sent it first owns it. */
  identity?: string | number | null | undefined;
  /** Records with the same message id are counted once: those of the user who was first. A short one is its user’s own. */
  messageId?: string | null | undefined;
  model: string;
  occurredAt: string;
  /** For token-bridge push. */
  origin?: RecordOriginInput | null | undefined;
  project: string;
  requestId?: string | null | undefined;
  /** 1 to 100 of a-zA-Z0-9_-. */
  sessionId: string | number;
  /** A copy of the main chain counts before one of a sidechain. */
  sidechain?: boolean | null | undefined;
  tokens: TokenCountsInput;
  /** The caller, if absent. One that the token may write for. */
  user?: string | null | undefined;
};

export type AlertFieldsFragment = { id: string, name: string, severity: Severity, state: AlertState, level: number, openedAt: string, acknowledgedBy: string | null, closedAt: string | null, message: string, runbook: string };

export type IncidentFieldsFragment = { id: string, title: string, risk: number | null, startedAt: string, detectedAt: string, resolvedAt: string | null, timeline: Array<{ at: string, text: string, by: string | null }> };

export type AlertsQueryVariables = Exact<{
  states?: Array<AlertState> | AlertState | null | undefined;
  first: number;
}>;


export type AlertsQuery = { alerts: Array<{ id: string, name: string, severity: Severity, state: AlertState, level: number, openedAt: string, acknowledgedBy: string | null, closedAt: string | null, message: string, runbook: string }> };

export type IncidentsQueryVariables = Exact<{
  first: number;
}>;


export type IncidentsQuery = { incidents: Array<{ id: string, title: string, risk: number | null, startedAt: string, detectedAt: string, resolvedAt: string | null, timeline: Array<{ at: string, text: string, by: string | null }> }> };

export type AcknowledgeAlertMutationVariables = Exact<{
  id: string | number;
  note?: string | null | undefined;
}>;


export type AcknowledgeAlertMutation = { acknowledgeAlert: { id: string, name: string, severity: Severity, state: AlertState, level: number, openedAt: string, acknowledgedBy: string | null, closedAt: string | null, message: string, runbook: string } };

export type CloseIncidentMutationVariables = Exact<{
  id: string | number;
  note: string;
}>;


export type CloseIncidentMutation = { closeIncident: { id: string, title: string, risk: number | null, startedAt: string, detectedAt: string, resolvedAt: string | null, timeline: Array<{ at: string, text: string, by: string | null }> } };

export type AuditEntriesQueryVariables = Exact<{
  first: number;
  after?: string | null | undefined;
  who?: string | null | undefined;
  action?: string | null | undefined;
}>;


export type AuditEntriesQuery = { auditEntries: { edges: Array<{ node: { position: string, at: string, who: string | null, action: string, outcome: string, detail: string | null, from: string | null, requestId: string | null, count: number, instance: string } }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type NoteCommandMutationVariables = Exact<{
  command: NotedCommand;
  detail?: string | null | undefined;
}>;


export type NoteCommandMutation = { noteCommand: boolean };

export type AcknowledgeAuditDamageMutationVariables = Exact<{ [key: string]: never; }>;


export type AcknowledgeAuditDamageMutation = { acknowledgeAuditDamage: number };

export type ExperimentQueryVariables = Exact<{
  from?: string | null | undefined;
  to?: string | null | undefined;
}>;


export type ExperimentQuery = { experiment: { flag: string, enabled: boolean, crossovers: number, sampleRatioP: number | null, sampleRatioMismatch: boolean, verdict: ArmVerdict, reason: string, arms: Array<{ cohort: string, expectedShare: number, users: number, questions: string, errorRate: number | null, fallbackRate: number | null, cacheHitRate: number | null, mismatchRate: number | null, latencyP50Ms: number | null, latencyP95Ms: number | null, latencyP99Ms: number | null }>, differences: Array<{ measure: string, difference: number | null, low: number | null, high: number | null, verdict: ArmVerdict, reason: string }> } };

export type FlagsQueryVariables = Exact<{ [key: string]: never; }>;


export type FlagsQuery = { flags: Array<{ name: string, kind: string, enabled: boolean, owner: string, expectedEnd: string | null, overdue: boolean, lastChangedAt: string | null, asOf: string | null }> };

export type GuardFieldsFragment = { tripped: boolean, reason: string | null, at: string | null, by: string | null };

export type GuardQueryVariables = Exact<{ [key: string]: never; }>;


export type GuardQuery = { guard: { tripped: boolean, reason: string | null, at: string | null, by: string | null } };

export type TripGuardMutationVariables = Exact<{
  reason: string;
}>;


export type TripGuardMutation = { tripGuard: { tripped: boolean, reason: string | null, at: string | null, by: string | null } };

export type ResetGuardMutationVariables = Exact<{
  reason: string;
}>;


export type ResetGuardMutation = { resetGuard: { tripped: boolean, reason: string | null, at: string | null, by: string | null } };

export type HealthQueryVariables = Exact<{ [key: string]: never; }>;


export type HealthQuery = { health: { state: ComponentState, components: Array<{ name: string, state: ComponentState, detail: string | null, ageSeconds: number | null }> } };

export type IngestMutationVariables = Exact<{
  input: IngestTokenRecordsInput;
}>;


export type IngestMutation = { ingestTokenRecords: { accepted: number, durability: Durability | null, replayed: boolean, rejected: Array<{ index: number, code: string, field: string | null, message: string }> } };

export type IsolationFieldsFragment = { isolated: boolean, since: string | null, by: string | null, reason: string | null, databaseAccess: DatabaseAccess, sql: string | null };

export type IsolateMutationVariables = Exact<{
  reason: string;
}>;


export type IsolateMutation = { isolate: { isolated: boolean, since: string | null, by: string | null, reason: string | null, databaseAccess: DatabaseAccess, sql: string | null } };

export type RejoinMutationVariables = Exact<{ [key: string]: never; }>;


export type RejoinMutation = { rejoin: { isolated: boolean, since: string | null, by: string | null, reason: string | null, databaseAccess: DatabaseAccess, sql: string | null } };

export type MigrationFieldsFragment = { id: string, state: MigrationState, progress: number, filesTotal: number, filesVerified: number, filesFailed: number, tokensTotal: string, tokensVerified: string, recordsTotal: string, bytesTotal: string, duplicateLines: string, difference: string | null, tokensPerSecond: number | null, secondsLeft: number | null, errorCount: number, lastError: string | null, memoryBytes: string, alarms: Array<string>, startedAt: string, finishedAt: string | null, error: string | null, refused: Array<{ reason: string, count: string }>, verification: { at: string, difference: string, logsCompared: number, logsDiffering: Array<string>, damagedBatches: Array<string> | null, winnersDiffer: boolean | null, sumsDiffer: boolean | null, surplusLogs: Array<string>, archivedTokens: string, differences: Array<{ path: string, day: string, firstLine: number, lastLine: number, missing: number, surplus: number, altered: number, tokens: string }> } | null, history: Array<{ at: string, by: string, action: string, detail: string | null }> };

export type MigrationPlanQueryVariables = Exact<{ [key: string]: never; }>;


export type MigrationPlanQuery = { migrationPlan: { files: number, bytes: string, records: string, batches: number, tokens: string, duplicateLines: string, estimatedSeconds: number, refused: Array<{ reason: string, count: string }> } };

export type RepairMigrationMutationVariables = Exact<{
  id: string | number;
  dryRun: boolean;
}>;


export type RepairMigrationMutation = { repairMigration: { reshipped: Array<string>, retired: Array<string>, winnersRebuilt: boolean, sumsRebuilt: boolean, lost: number, dryRun: boolean, migration: { id: string, state: MigrationState, progress: number, filesTotal: number, filesVerified: number, filesFailed: number, tokensTotal: string, tokensVerified: string, recordsTotal: string, bytesTotal: string, duplicateLines: string, difference: string | null, tokensPerSecond: number | null, secondsLeft: number | null, errorCount: number, lastError: string | null, memoryBytes: string, alarms: Array<string>, startedAt: string, finishedAt: string | null, error: string | null, refused: Array<{ reason: string, count: string }>, verification: { at: string, difference: string, logsCompared: number, logsDiffering: Array<string>, damagedBatches: Array<string> | null, winnersDiffer: boolean | null, sumsDiffer: boolean | null, surplusLogs: Array<string>, archivedTokens: string, differences: Array<{ path: string, day: string, firstLine: number, lastLine: number, missing: number, surplus: number, altered: number, tokens: string }> } | null, history: Array<{ at: string, by: string, action: string, detail: string | null }> } } };

export type RollbackMigrationMutationVariables = Exact<{
  id: string | number;
  discardArchived: boolean;
}>;


export type RollbackMigrationMutation = { rollbackMigration: { id: string, state: MigrationState, progress: number, filesTotal: number, filesVerified: number, filesFailed: number, tokensTotal: string, tokensVerified: string, recordsTotal: string, bytesTotal: string, duplicateLines: string, difference: string | null, tokensPerSecond: number | null, secondsLeft: number | null, errorCount: number, lastError: string | null, memoryBytes: string, alarms: Array<string>, startedAt: string, finishedAt: string | null, error: string | null, refused: Array<{ reason: string, count: string }>, verification: { at: string, difference: string, logsCompared: number, logsDiffering: Array<string>, damagedBatches: Array<string> | null, winnersDiffer: boolean | null, sumsDiffer: boolean | null, surplusLogs: Array<string>, archivedTokens: string, differences: Array<{ path: string, day: string, firstLine: number, lastLine: number, missing: number, surplus: number, altered: number, tokens: string }> } | null, history: Array<{ at: string, by: string, action: string, detail: string | null }> } };

export type MigrationQueryVariables = Exact<{
  id?: string | number | null | undefined;
}>;


export type MigrationQuery = { migration: { id: string, state: MigrationState, progress: number, filesTotal: number, filesVerified: number, filesFailed: number, tokensTotal: string, tokensVerified: string, recordsTotal: string, bytesTotal: string, duplicateLines: string, difference: string | null, tokensPerSecond: number | null, secondsLeft: number | null, errorCount: number, lastError: string | null, memoryBytes: string, alarms: Array<string>, startedAt: string, finishedAt: string | null, error: string | null, refused: Array<{ reason: string, count: string }>, verification: { at: string, difference: string, logsCompared: number, logsDiffering: Array<string>, damagedBatches: Array<string> | null, winnersDiffer: boolean | null, sumsDiffer: boolean | null, surplusLogs: Array<string>, archivedTokens: string, differences: Array<{ path: string, day: string, firstLine: number, lastLine: number, missing: number, surplus: number, altered: number, tokens: string }> } | null, history: Array<{ at: string, by: string, action: string, detail: string | null }> } | null };

export type StartMigrationMutationVariables = Exact<{ [key: string]: never; }>;


export type StartMigrationMutation = { startMigration: { id: string, state: MigrationState, progress: number, filesTotal: number, filesVerified: number, filesFailed: number, tokensTotal: string, tokensVerified: string, recordsTotal: string, bytesTotal: string, duplicateLines: string, difference: string | null, tokensPerSecond: number | null, secondsLeft: number | null, errorCount: number, lastError: string | null, memoryBytes: string, alarms: Array<string>, startedAt: string, finishedAt: string | null, error: string | null, refused: Array<{ reason: string, count: string }>, verification: { at: string, difference: string, logsCompared: number, logsDiffering: Array<string>, damagedBatches: Array<string> | null, winnersDiffer: boolean | null, sumsDiffer: boolean | null, surplusLogs: Array<string>, archivedTokens: string, differences: Array<{ path: string, day: string, firstLine: number, lastLine: number, missing: number, surplus: number, altered: number, tokens: string }> } | null, history: Array<{ at: string, by: string, action: string, detail: string | null }> } };

export type PauseMigrationMutationVariables = Exact<{
  id: string | number;
}>;


export type PauseMigrationMutation = { pauseMigration: { id: string, state: MigrationState, progress: number, filesTotal: number, filesVerified: number, filesFailed: number, tokensTotal: string, tokensVerified: string, recordsTotal: string, bytesTotal: string, duplicateLines: string, difference: string | null, tokensPerSecond: number | null, secondsLeft: number | null, errorCount: number, lastError: string | null, memoryBytes: string, alarms: Array<string>, startedAt: string, finishedAt: string | null, error: string | null, refused: Array<{ reason: string, count: string }>, verification: { at: string, difference: string, logsCompared: number, logsDiffering: Array<string>, damagedBatches: Array<string> | null, winnersDiffer: boolean | null, sumsDiffer: boolean | null, surplusLogs: Array<string>, archivedTokens: string, differences: Array<{ path: string, day: string, firstLine: number, lastLine: number, missing: number, surplus: number, altered: number, tokens: string }> } | null, history: Array<{ at: string, by: string, action: string, detail: string | null }> } };

export type ResumeMigrationMutationVariables = Exact<{
  id: string | number;
}>;


export type ResumeMigrationMutation = { resumeMigration: { id: string, state: MigrationState, progress: number, filesTotal: number, filesVerified: number, filesFailed: number, tokensTotal: string, tokensVerified: string, recordsTotal: string, bytesTotal: string, duplicateLines: string, difference: string | null, tokensPerSecond: number | null, secondsLeft: number | null, errorCount: number, lastError: string | null, memoryBytes: string, alarms: Array<string>, startedAt: string, finishedAt: string | null, error: string | null, refused: Array<{ reason: string, count: string }>, verification: { at: string, difference: string, logsCompared: number, logsDiffering: Array<string>, damagedBatches: Array<string> | null, winnersDiffer: boolean | null, sumsDiffer: boolean | null, surplusLogs: Array<string>, archivedTokens: string, differences: Array<{ path: string, day: string, firstLine: number, lastLine: number, missing: number, surplus: number, altered: number, tokens: string }> } | null, history: Array<{ at: string, by: string, action: string, detail: string | null }> } };

export type VerifyMigrationMutationVariables = Exact<{
  id: string | number;
}>;


export type VerifyMigrationMutation = { verifyMigration: { id: string, state: MigrationState, progress: number, filesTotal: number, filesVerified: number, filesFailed: number, tokensTotal: string, tokensVerified: string, recordsTotal: string, bytesTotal: string, duplicateLines: string, difference: string | null, tokensPerSecond: number | null, secondsLeft: number | null, errorCount: number, lastError: string | null, memoryBytes: string, alarms: Array<string>, startedAt: string, finishedAt: string | null, error: string | null, refused: Array<{ reason: string, count: string }>, verification: { at: string, difference: string, logsCompared: number, logsDiffering: Array<string>, damagedBatches: Array<string> | null, winnersDiffer: boolean | null, sumsDiffer: boolean | null, surplusLogs: Array<string>, archivedTokens: string, differences: Array<{ path: string, day: string, firstLine: number, lastLine: number, missing: number, surplus: number, altered: number, tokens: string }> } | null, history: Array<{ at: string, by: string, action: string, detail: string | null }> } };

export type BackupFieldsFragment = { folder: string, batches: number, records: number, tokens: string, skipped: number };

export type BackupMigrationMutationVariables = Exact<{
  name?: string | null | undefined;
  all: boolean;
}>;


export type BackupMigrationMutation = { backupMigration: { folder: string, batches: number, records: number, tokens: string, skipped: number } };

export type RestoreMigrationMutationVariables = Exact<{
  name: string;
}>;


export type RestoreMigrationMutation = { restoreMigration: { folder: string, batches: number, records: number, tokens: string, skipped: number } };

export type MigrationFilesQueryVariables = Exact<{
  id?: string | number | null | undefined;
}>;


export type MigrationFilesQuery = { migration: { id: string, files: Array<{ path: string, bytes: string, sha256: string | null, records: string, tokens: string, duplicateLines: string, owners: Array<string>, verified: boolean, refused: Array<{ reason: string, count: string }> }> } | null };

export type MismatchesQueryVariables = Exact<{
  first: number;
  after?: string | null | undefined;
}>;


export type MismatchesQuery = { mismatches: { totalCount: number, edges: Array<{ node: { id: string, at: string, field: string, control: string, candidate: string, confirmed: boolean, question: string } }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type CompareSourcesQueryVariables = Exact<{
  mismatch?: string | number | null | undefined;
}>;


export type CompareSourcesQuery = { compareSources: { question: string, agreed: boolean | null, discarded: string | null, records: string, leavesArchived: boolean, differences: Array<{ field: string, control: string, candidate: string }> } };

export type RiskReportQueryVariables = Exact<{
  days: number;
}>;


export type RiskReportQuery = { riskReport: string };

export type MachineTokenFieldsFragment = { id: string, userId: string, roles: Array<string>, note: string | null, by: string, createdAt: string, expiresAt: string, revokedAt: string | null, lastUsedAt: string | null, access: Array<{ users: Array<string> | null, projects: Array<string> | null, hosts: Array<string> | null }> | null };

export type MachineTokensQueryVariables = Exact<{ [key: string]: never; }>;


export type MachineTokensQuery = { machineTokens: Array<{ id: string, userId: string, roles: Array<string>, note: string | null, by: string, createdAt: string, expiresAt: string, revokedAt: string | null, lastUsedAt: string | null, access: Array<{ users: Array<string> | null, projects: Array<string> | null, hosts: Array<string> | null }> | null }> };

export type CreateMachineTokenMutationVariables = Exact<{
  input: MachineTokenInput;
}>;


export type CreateMachineTokenMutation = { createMachineToken: { token: string, machineToken: { id: string, userId: string, roles: Array<string>, note: string | null, by: string, createdAt: string, expiresAt: string, revokedAt: string | null, lastUsedAt: string | null, access: Array<{ users: Array<string> | null, projects: Array<string> | null, hosts: Array<string> | null }> | null } } };

export type RevokeAccessMutationVariables = Exact<{
  userId?: string | number | null | undefined;
  tokenId?: string | number | null | undefined;
  reason: string;
  made?: boolean | null | undefined;
}>;


export type RevokeAccessMutation = { revokeAccess: boolean };

export type ViewerQueryVariables = Exact<{ [key: string]: never; }>;


export type ViewerQuery = { viewer: { userId: string, roles: Array<string>, cohort: string | null, preference: SourcePreference, decision: { source: DataSource, reason: RoutingReason } } };

export type ExplainDecisionQueryVariables = Exact<{
  userId: string | number;
  filter?: TokenFilter | null | undefined;
  roles?: Array<string> | string;
}>;


export type ExplainDecisionQuery = { explainDecision: { cohort: string | null, text: string, decision: { source: DataSource, reason: RoutingReason }, facts: Array<{ name: string, value: string }> } };

export class TypedDocumentString<TResult, TVariables>
  extends String
  implements DocumentTypeDecoration<TResult, TVariables>
{
  __apiType?: NonNullable<DocumentTypeDecoration<TResult, TVariables>['__apiType']>;
  private value: string;
  public __meta__?: Record<string, any> | undefined;

  constructor(value: string, __meta__?: Record<string, any> | undefined) {
    super(value);
    this.value = value;
    this.__meta__ = __meta__;
  }

  override toString(): string & DocumentTypeDecoration<TResult, TVariables> {
    return this.value;
  }
}
export const AlertFieldsFragmentDoc = new TypedDocumentString(`
    fragment AlertFields on Alert {
  id
  name
  severity
  state
  level
  openedAt
  acknowledgedBy
  closedAt
  message
  runbook
}
    `, {"fragmentName":"AlertFields"}) as unknown as TypedDocumentString<AlertFieldsFragment, unknown>;
export const IncidentFieldsFragmentDoc = new TypedDocumentString(`
    fragment IncidentFields on Incident {
  id
  title
  risk
  startedAt
  detectedAt
  resolvedAt
  timeline {
    at
    text
    by
  }
}
    `, {"fragmentName":"IncidentFields"}) as unknown as TypedDocumentString<IncidentFieldsFragment, unknown>;
export const GuardFieldsFragmentDoc = new TypedDocumentString(`
    fragment GuardFields on Guard {
  tripped
  reason
  at
  by
}
    `, {"fragmentName":"GuardFields"}) as unknown as TypedDocumentString<GuardFieldsFragment, unknown>;
export const IsolationFieldsFragmentDoc = new TypedDocumentString(`
    fragment IsolationFields on Isolation {
  isolated
  since
  by
  reason
  databaseAccess
  sql
}
    `, {"fragmentName":"IsolationFields"}) as unknown as TypedDocumentString<IsolationFieldsFragment, unknown>;
export const MigrationFieldsFragmentDoc = new TypedDocumentString(`
    fragment MigrationFields on Migration {
  id
  state
  progress
  filesTotal
  filesVerified
  filesFailed
  tokensTotal
  tokensVerified
  recordsTotal
  bytesTotal
  duplicateLines
  refused {
    reason
    count
  }
  difference
  tokensPerSecond
  secondsLeft
  errorCount
  lastError
  memoryBytes
  alarms
  startedAt
  finishedAt
  error
  verification {
    at
    difference
    logsCompared
    logsDiffering
    differences {
      path
      day
      firstLine
      lastLine
      missing
      surplus
      altered
      tokens
    }
    damagedBatches
    winnersDiffer
    sumsDiffer
    surplusLogs
    archivedTokens
  }
  history {
    at
    by
    action
    detail
  }
}
    `, {"fragmentName":"MigrationFields"}) as unknown as TypedDocumentString<MigrationFieldsFragment, unknown>;
export const BackupFieldsFragmentDoc = new TypedDocumentString(`
    fragment BackupFields on BackupReport {
  folder
  batches
  records
  tokens
  skipped
}
    `, {"fragmentName":"BackupFields"}) as unknown as TypedDocumentString<BackupFieldsFragment, unknown>;
export const MachineTokenFieldsFragmentDoc = new TypedDocumentString(`
    fragment MachineTokenFields on MachineToken {
  id
  userId
  roles
  access {
    users
    projects
    hosts
  }
  note
  by
  createdAt
  expiresAt
  revokedAt
  lastUsedAt
}
    `, {"fragmentName":"MachineTokenFields"}) as unknown as TypedDocumentString<MachineTokenFieldsFragment, unknown>;
export const AlertsDocument = new TypedDocumentString(`
    query Alerts($states: [AlertState!], $first: Int!) {
  alerts(states: $states, first: $first) {
    ...AlertFields
  }
}
    fragment AlertFields on Alert {
  id
  name
  severity
  state
  level
  openedAt
  acknowledgedBy
  closedAt
  message
  runbook
}`) as unknown as TypedDocumentString<AlertsQuery, AlertsQueryVariables>;
export const IncidentsDocument = new TypedDocumentString(`
    query Incidents($first: Int!) {
  incidents(first: $first) {
    ...IncidentFields
  }
}
    fragment IncidentFields on Incident {
  id
  title
  risk
  startedAt
  detectedAt
  resolvedAt
  timeline {
    at
    text
    by
  }
}`) as unknown as TypedDocumentString<IncidentsQuery, IncidentsQueryVariables>;
export const AcknowledgeAlertDocument = new TypedDocumentString(`
    mutation AcknowledgeAlert($id: ID!, $note: String) {
  acknowledgeAlert(id: $id, note: $note) {
    ...AlertFields
  }
}
    fragment AlertFields on Alert {
  id
  name
  severity
  state
  level
  openedAt
  acknowledgedBy
  closedAt
  message
  runbook
}`) as unknown as TypedDocumentString<AcknowledgeAlertMutation, AcknowledgeAlertMutationVariables>;
export const CloseIncidentDocument = new TypedDocumentString(`
    mutation CloseIncident($id: ID!, $note: String!) {
  closeIncident(id: $id, note: $note) {
    ...IncidentFields
  }
}
    fragment IncidentFields on Incident {
  id
  title
  risk
  startedAt
  detectedAt
  resolvedAt
  timeline {
    at
    text
    by
  }
}`) as unknown as TypedDocumentString<CloseIncidentMutation, CloseIncidentMutationVariables>;
export const AuditEntriesDocument = new TypedDocumentString(`
    query AuditEntries($first: Int!, $after: String, $who: String, $action: String) {
  auditEntries(first: $first, after: $after, who: $who, action: $action) {
    edges {
      node {
        position
        at
        who
        action
        outcome
        detail
        from
        requestId
        count
        instance
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
    `) as unknown as TypedDocumentString<AuditEntriesQuery, AuditEntriesQueryVariables>;
export const NoteCommandDocument = new TypedDocumentString(`
    mutation NoteCommand($command: NotedCommand!, $detail: String) {
  noteCommand(command: $command, detail: $detail)
}
    `) as unknown as TypedDocumentString<NoteCommandMutation, NoteCommandMutationVariables>;
export const AcknowledgeAuditDamageDocument = new TypedDocumentString(`
    mutation AcknowledgeAuditDamage {
  acknowledgeAuditDamage
}
    `) as unknown as TypedDocumentString<AcknowledgeAuditDamageMutation, AcknowledgeAuditDamageMutationVariables>;
export const ExperimentDocument = new TypedDocumentString(`
    query Experiment($from: DateTime, $to: DateTime) {
  experiment(from: $from, to: $to) {
    flag
    enabled
    arms {
      cohort
      expectedShare
      users
      questions
      errorRate
      fallbackRate
      cacheHitRate
      mismatchRate
      latencyP50Ms
      latencyP95Ms
      latencyP99Ms
    }
    crossovers
    sampleRatioP
    sampleRatioMismatch
    differences {
      measure
      difference
      low
      high
      verdict
      reason
    }
    verdict
    reason
  }
}
    `) as unknown as TypedDocumentString<ExperimentQuery, ExperimentQueryVariables>;
export const FlagsDocument = new TypedDocumentString(`
    query Flags {
  flags {
    name
    kind
    enabled
    owner
    expectedEnd
    overdue
    lastChangedAt
    asOf
  }
}
    `) as unknown as TypedDocumentString<FlagsQuery, FlagsQueryVariables>;
export const GuardDocument = new TypedDocumentString(`
    query Guard {
  guard {
    ...GuardFields
  }
}
    fragment GuardFields on Guard {
  tripped
  reason
  at
  by
}`) as unknown as TypedDocumentString<GuardQuery, GuardQueryVariables>;
export const TripGuardDocument = new TypedDocumentString(`
    mutation TripGuard($reason: String!) {
  tripGuard(reason: $reason) {
    ...GuardFields
  }
}
    fragment GuardFields on Guard {
  tripped
  reason
  at
  by
}`) as unknown as TypedDocumentString<TripGuardMutation, TripGuardMutationVariables>;
export const ResetGuardDocument = new TypedDocumentString(`
    mutation ResetGuard($reason: String!) {
  resetGuard(reason: $reason) {
    ...GuardFields
  }
}
    fragment GuardFields on Guard {
  tripped
  reason
  at
  by
}`) as unknown as TypedDocumentString<ResetGuardMutation, ResetGuardMutationVariables>;
export const HealthDocument = new TypedDocumentString(`
    query Health {
  health {
    state
    components {
      name
      state
      detail
      ageSeconds
    }
  }
}
    `) as unknown as TypedDocumentString<HealthQuery, HealthQueryVariables>;
export const IngestDocument = new TypedDocumentString(`
    mutation Ingest($input: IngestTokenRecordsInput!) {
  ingestTokenRecords(input: $input) {
    accepted
    rejected {
      index
      code
      field
      message
    }
    durability
    replayed
  }
}
    `) as unknown as TypedDocumentString<IngestMutation, IngestMutationVariables>;
export const IsolateDocument = new TypedDocumentString(`
    mutation Isolate($reason: String!) {
  isolate(reason: $reason) {
    ...IsolationFields
  }
}
    fragment IsolationFields on Isolation {
  isolated
  since
  by
  reason
  databaseAccess
  sql
}`) as unknown as TypedDocumentString<IsolateMutation, IsolateMutationVariables>;
export const RejoinDocument = new TypedDocumentString(`
    mutation Rejoin {
  rejoin {
    ...IsolationFields
  }
}
    fragment IsolationFields on Isolation {
  isolated
  since
  by
  reason
  databaseAccess
  sql
}`) as unknown as TypedDocumentString<RejoinMutation, RejoinMutationVariables>;
export const MigrationPlanDocument = new TypedDocumentString(`
    query MigrationPlan {
  migrationPlan {
    files
    bytes
    records
    batches
    tokens
    duplicateLines
    refused {
      reason
      count
    }
    estimatedSeconds
  }
}
    `) as unknown as TypedDocumentString<MigrationPlanQuery, MigrationPlanQueryVariables>;
export const RepairMigrationDocument = new TypedDocumentString(`
    mutation RepairMigration($id: ID!, $dryRun: Boolean!) {
  repairMigration(id: $id, dryRun: $dryRun) {
    migration {
      ...MigrationFields
    }
    reshipped
    retired
    winnersRebuilt
    sumsRebuilt
    lost
    dryRun
  }
}
    fragment MigrationFields on Migration {
  id
  state
  progress
  filesTotal
  filesVerified
  filesFailed
  tokensTotal
  tokensVerified
  recordsTotal
  bytesTotal
  duplicateLines
  refused {
    reason
    count
  }
  difference
  tokensPerSecond
  secondsLeft
  errorCount
  lastError
  memoryBytes
  alarms
  startedAt
  finishedAt
  error
  verification {
    at
    difference
    logsCompared
    logsDiffering
    differences {
      path
      day
      firstLine
      lastLine
      missing
      surplus
      altered
      tokens
    }
    damagedBatches
    winnersDiffer
    sumsDiffer
    surplusLogs
    archivedTokens
  }
  history {
    at
    by
    action
    detail
  }
}`) as unknown as TypedDocumentString<RepairMigrationMutation, RepairMigrationMutationVariables>;
export const RollbackMigrationDocument = new TypedDocumentString(`
    mutation RollbackMigration($id: ID!, $discardArchived: Boolean!) {
  rollbackMigration(id: $id, discardArchived: $discardArchived) {
    ...MigrationFields
  }
}
    fragment MigrationFields on Migration {
  id
  state
  progress
  filesTotal
  filesVerified
  filesFailed
  tokensTotal
  tokensVerified
  recordsTotal
  bytesTotal
  duplicateLines
  refused {
    reason
    count
  }
  difference
  tokensPerSecond
  secondsLeft
  errorCount
  lastError
  memoryBytes
  alarms
  startedAt
  finishedAt
  error
  verification {
    at
    difference
    logsCompared
    logsDiffering
    differences {
      path
      day
      firstLine
      lastLine
      missing
      surplus
      altered
      tokens
    }
    damagedBatches
    winnersDiffer
    sumsDiffer
    surplusLogs
    archivedTokens
  }
  history {
    at
    by
    action
    detail
  }
}`) as unknown as TypedDocumentString<RollbackMigrationMutation, RollbackMigrationMutationVariables>;
export const MigrationDocument = new TypedDocumentString(`
    query Migration($id: ID) {
  migration(id: $id) {
    ...MigrationFields
  }
}
    fragment MigrationFields on Migration {
  id
  state
  progress
  filesTotal
  filesVerified
  filesFailed
  tokensTotal
  tokensVerified
  recordsTotal
  bytesTotal
  duplicateLines
  refused {
    reason
    count
  }
  difference
  tokensPerSecond
  secondsLeft
  errorCount
  lastError
  memoryBytes
  alarms
  startedAt
  finishedAt
  error
  verification {
    at
    difference
    logsCompared
    logsDiffering
    differences {
      path
      day
      firstLine
      lastLine
      missing
      surplus
      altered
      tokens
    }
    damagedBatches
    winnersDiffer
    sumsDiffer
    surplusLogs
    archivedTokens
  }
  history {
    at
    by
    action
    detail
  }
}`) as unknown as TypedDocumentString<MigrationQuery, MigrationQueryVariables>;
export const StartMigrationDocument = new TypedDocumentString(`
    mutation StartMigration {
  startMigration {
    ...MigrationFields
  }
}
    fragment MigrationFields on Migration {
  id
  state
  progress
  filesTotal
  filesVerified
  filesFailed
  tokensTotal
  tokensVerified
  recordsTotal
  bytesTotal
  duplicateLines
  refused {
    reason
    count
  }
  difference
  tokensPerSecond
  secondsLeft
  errorCount
  lastError
  memoryBytes
  alarms
  startedAt
  finishedAt
  error
  verification {
    at
    difference
    logsCompared
    logsDiffering
    differences {
      path
      day
      firstLine
      lastLine
      missing
      surplus
      altered
      tokens
    }
    damagedBatches
    winnersDiffer
    sumsDiffer
    surplusLogs
    archivedTokens
  }
  history {
    at
    by
    action
    detail
  }
}`) as unknown as TypedDocumentString<StartMigrationMutation, StartMigrationMutationVariables>;
export const PauseMigrationDocument = new TypedDocumentString(`
    mutation PauseMigration($id: ID!) {
  pauseMigration(id: $id) {
    ...MigrationFields
  }
}
    fragment MigrationFields on Migration {
  id
  state
  progress
  filesTotal
  filesVerified
  filesFailed
  tokensTotal
  tokensVerified
  recordsTotal
  bytesTotal
  duplicateLines
  refused {
    reason
    count
  }
  difference
  tokensPerSecond
  secondsLeft
  errorCount
  lastError
  memoryBytes
  alarms
  startedAt
  finishedAt
  error
  verification {
    at
    difference
    logsCompared
    logsDiffering
    differences {
      path
      day
      firstLine
      lastLine
      missing
      surplus
      altered
      tokens
    }
    damagedBatches
    winnersDiffer
    sumsDiffer
    surplusLogs
    archivedTokens
  }
  history {
    at
    by
    action
    detail
  }
}`) as unknown as TypedDocumentString<PauseMigrationMutation, PauseMigrationMutationVariables>;
export const ResumeMigrationDocument = new TypedDocumentString(`
    mutation ResumeMigration($id: ID!) {
  resumeMigration(id: $id) {
    ...MigrationFields
  }
}
    fragment MigrationFields on Migration {
  id
  state
  progress
  filesTotal
  filesVerified
  filesFailed
  tokensTotal
  tokensVerified
  recordsTotal
  bytesTotal
  duplicateLines
  refused {
    reason
    count
  }
  difference
  tokensPerSecond
  secondsLeft
  errorCount
  lastError
  memoryBytes
  alarms
  startedAt
  finishedAt
  error
  verification {
    at
    difference
    logsCompared
    logsDiffering
    differences {
      path
      day
      firstLine
      lastLine
      missing
      surplus
      altered
      tokens
    }
    damagedBatches
    winnersDiffer
    sumsDiffer
    surplusLogs
    archivedTokens
  }
  history {
    at
    by
    action
    detail
  }
}`) as unknown as TypedDocumentString<ResumeMigrationMutation, ResumeMigrationMutationVariables>;
export const VerifyMigrationDocument = new TypedDocumentString(`
    mutation VerifyMigration($id: ID!) {
  verifyMigration(id: $id) {
    ...MigrationFields
  }
}
    fragment MigrationFields on Migration {
  id
  state
  progress
  filesTotal
  filesVerified
  filesFailed
  tokensTotal
  tokensVerified
  recordsTotal
  bytesTotal
  duplicateLines
  refused {
    reason
    count
  }
  difference
  tokensPerSecond
  secondsLeft
  errorCount
  lastError
  memoryBytes
  alarms
  startedAt
  finishedAt
  error
  verification {
    at
    difference
    logsCompared
    logsDiffering
    differences {
      path
      day
      firstLine
      lastLine
      missing
      surplus
      altered
      tokens
    }
    damagedBatches
    winnersDiffer
    sumsDiffer
    surplusLogs
    archivedTokens
  }
  history {
    at
    by
    action
    detail
  }
}`) as unknown as TypedDocumentString<VerifyMigrationMutation, VerifyMigrationMutationVariables>;
export const BackupMigrationDocument = new TypedDocumentString(`
    mutation BackupMigration($name: String, $all: Boolean!) {
  backupMigration(name: $name, all: $all) {
    ...BackupFields
  }
}
    fragment BackupFields on BackupReport {
  folder
  batches
  records
  tokens
  skipped
}`) as unknown as TypedDocumentString<BackupMigrationMutation, BackupMigrationMutationVariables>;
export const RestoreMigrationDocument = new TypedDocumentString(`
    mutation RestoreMigration($name: String!) {
  restoreMigration(name: $name) {
    ...BackupFields
  }
}
    fragment BackupFields on BackupReport {
  folder
  batches
  records
  tokens
  skipped
}`) as unknown as TypedDocumentString<RestoreMigrationMutation, RestoreMigrationMutationVariables>;
export const MigrationFilesDocument = new TypedDocumentString(`
    query MigrationFiles($id: ID) {
  migration(id: $id) {
    id
    files {
      path
      bytes
      sha256
      records
      tokens
      duplicateLines
      owners
      refused {
        reason
        count
      }
      verified
    }
  }
}
    `) as unknown as TypedDocumentString<MigrationFilesQuery, MigrationFilesQueryVariables>;
export const MismatchesDocument = new TypedDocumentString(`
    query Mismatches($first: Int!, $after: String) {
  mismatches(first: $first, after: $after) {
    edges {
      node {
        id
        at
        field
        control
        candidate
        confirmed
        question
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
    totalCount
  }
}
    `) as unknown as TypedDocumentString<MismatchesQuery, MismatchesQueryVariables>;
export const CompareSourcesDocument = new TypedDocumentString(`
    query CompareSources($mismatch: ID) {
  compareSources(mismatch: $mismatch) {
    question
    agreed
    discarded
    records
    leavesArchived
    differences {
      field
      control
      candidate
    }
  }
}
    `) as unknown as TypedDocumentString<CompareSourcesQuery, CompareSourcesQueryVariables>;
export const RiskReportDocument = new TypedDocumentString(`
    query RiskReport($days: Int!) {
  riskReport(days: $days)
}
    `) as unknown as TypedDocumentString<RiskReportQuery, RiskReportQueryVariables>;
export const MachineTokensDocument = new TypedDocumentString(`
    query MachineTokens {
  machineTokens {
    ...MachineTokenFields
  }
}
    fragment MachineTokenFields on MachineToken {
  id
  userId
  roles
  access {
    users
    projects
    hosts
  }
  note
  by
  createdAt
  expiresAt
  revokedAt
  lastUsedAt
}`) as unknown as TypedDocumentString<MachineTokensQuery, MachineTokensQueryVariables>;
export const CreateMachineTokenDocument = new TypedDocumentString(`
    mutation CreateMachineToken($input: MachineTokenInput!) {
  createMachineToken(input: $input) {
    token
    machineToken {
      ...MachineTokenFields
    }
  }
}
    fragment MachineTokenFields on MachineToken {
  id
  userId
  roles
  access {
    users
    projects
    hosts
  }
  note
  by
  createdAt
  expiresAt
  revokedAt
  lastUsedAt
}`) as unknown as TypedDocumentString<CreateMachineTokenMutation, CreateMachineTokenMutationVariables>;
export const RevokeAccessDocument = new TypedDocumentString(`
    mutation RevokeAccess($userId: ID, $tokenId: ID, $reason: String!, $made: Boolean) {
  revokeAccess(userId: $userId, tokenId: $tokenId, reason: $reason, made: $made)
}
    `) as unknown as TypedDocumentString<RevokeAccessMutation, RevokeAccessMutationVariables>;
export const ViewerDocument = new TypedDocumentString(`
    query Viewer {
  viewer {
    userId
    roles
    cohort
    preference
    decision {
      source
      reason
    }
  }
}
    `) as unknown as TypedDocumentString<ViewerQuery, ViewerQueryVariables>;
export const ExplainDecisionDocument = new TypedDocumentString(`
    query ExplainDecision($userId: ID!, $filter: TokenFilter, $roles: [String!]! = ["viewer"]) {
  explainDecision(userId: $userId, filter: $filter, roles: $roles) {
    decision {
      source
      reason
    }
    cohort
    text
    facts {
      name
      value
    }
  }
}
    `) as unknown as TypedDocumentString<ExplainDecisionQuery, ExplainDecisionQueryVariables>;