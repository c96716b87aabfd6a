import type { Principal } from '../access/roles.ts'
import type { Lacking, Losses } from '../domain/losses.ts'
import type { SourcePreference } from '../domain/source.ts'
import type { LegacySource } from '../enhanced-analysis/service/legacy-source.ts'
import type { Component, RequestContext, RequestNotes, ViewerContext } from '../graphql/context.ts'
import type { AuditEvent, RequestAudit } from '../ports/audit.ts'
import type { Flags } from '../ports/flags.ts'
import type { Isolation } from '../ports/isolation.ts'
import { type AnswersOptions, createAnswers, type End, type Question } from '../reading/answers.ts'
import type { Changes } from '../reading/changes.ts'
import { type Decision, type DecisionFacts, decideSource, explainDecision } from '../reading/decision.ts'
import { requestKey } from '../reading/question-key.ts'
import { createTitles } from '../reading/titles.ts'
import { listFlags } from '../rollout/flag-list.ts'
import type { OtherJournals } from '../shipping/other-journals.ts'
import type { AccessSide } from './access-side.ts'
import type { ArchivedSide } from './archived.ts'
import type { AuditSide } from './audit-side.ts'
import type { DatabaseSide } from './database-side.ts'
import type { ExperimentSide } from './experiment.ts'
import type { FiguresSide } from './figures.ts'
import type { GuardSide } from './guard.ts'
import type { KeptDatabaseSide } from './kept-database-side.ts'
import { lacksTranscripts } from './losses.ts'
import type { ReadingSide } from './reading-side.ts'
import type { RiskSide } from './risk-side.ts'
import type { ShadowSide } from './shadow-side.ts'
import type { WritingSide } from './writing-side.ts'

export interface RequestsOptions {
  legacy: Pick<LegacySource, 'isAllPublished' | 'status' | 'titles'>
  database: KeptDatabaseSide
  reading: ReadingSide
  writing: WritingSide
  flags: Flags
  /** Of the migration: below it everybody is on legacy. */
  threshold: number
  access: Pick<AccessSide, 'changes'>
  archived: Pick<ArchivedSide, 'hasTranscripts' | 'besides' | 'missing'>
  losses: () => Losses
  otherJournals: Pick<OtherJournals, 'whenCurrent' | 'mayLack'>
  audit: AuditSide
  isolation: Isolation
  guard: GuardSide
  experiment: ExperimentSide
  shadow: ShadowSide
  risk: RiskSide
  budgets: RequestContext['budgets']
  changes: Changes
  figures: Pick<FiguresSide, 'answers'>
  health: () => Component[]
}

/** Makes the context of each request: flags, progress and how far everything is counted are read once, and all its answers follow from them. */
export function createRequests(
  options: RequestsOptions,
): (principal: Principal, requestId: string, from: string) => RequestContext {
  const { reading, writing, experiment } = options
  const contextOf = (principal: Principal, requestId: string, from: string): RequestContext => {
    const open = options.database.current()
    // what answers: operators act on what is there
    const database = open?.isFresh() ? open : undefined
    const progress = database?.runs().progress() ?? 0
    const lacks = lacksTranscripts(options.legacy, options.archived)
    const standing = { progress, lacksTranscripts: lacks }
    const viewer = viewerOf(options, principal, database, standing)
    const notes: RequestNotes = { answers: [], errors: [] }
    return {
      requestId,
      notes,
      principal,
      viewer: viewer.context,
      viewerOf: (userId, roles) => viewerOf(options, { userId, roles }, database, standing).context,
      answers: createAnswers({
        caller: principal.userId,
        access: principal.access,
        sourceOf: (name) => reading.sourceOf(name, database),
        decide: viewer.decide,
        migrationProgress: progress,
        generation: database?.ledger().generation(),
        lacking: () => lackingNow(options),
        lacksTranscripts: lacks,
        archived: (answer) =>
          options.archived.besides({ ...answer, caller: principal.userId, access: principal.access }),
        learnPrices: reading.prices.learn,
        onFallback(source, error) {
          options.figures.answers.fellBack(source)
          reading.onFallback(source, error)
        },
        onAsked: sampling(options, viewer.shadowReads, principal.userId, notes),
        onAnswer: ({ source, reason, cache }) => void notes.answers.push({ source, reason, cache }),
        onEnd: (end) => noteEnd(options, principal, end, notes.operation?.startsWith('query') === true),
      }),
      priceOf: reading.prices.priceOf,
      missingRecords: async () => BigInt(options.losses().everywhere + (await options.archived.missing())),
      derived: reading.derived,
      titles: createTitles(options.legacy, principal.access, principal.userId),
      ingest: writing.ingest,
      budgets: options.budgets,
      migrations: open?.runs(),
      backups: open?.backups(),
      access: options.access.changes,
      audit: auditOf(options.audit, { who: principal.userId, from, request: requestId }),
      auditReading: options.audit.reading,
      isolation: options.isolation,
      guard: options.guard,
      flags: () => listFlags(options.flags.known(), Date.now()),
      follow: () => options.changes.follow(principal.userId),
      anew: () => contextOf(principal, requestId, from),
      experiment,
      noteSentAgain({ groups }, ms) {
        for (const { decision } of groups) noteEnd(options, principal, { decision, cache: 'HIT', ms }, true)
      },
      shadow: options.shadow,
      risk: options.risk,
      health: options.health,
    }
  }
  return contextOf
}

/** Counts an answer; for the experiment a question's alone: what a mutation answers, and what is pushed, was not asked for. */
function noteEnd(
  { figures, experiment }: Pick<RequestsOptions, 'figures' | 'experiment'>,
  principal: Principal,
  end: End,
  isQuestion: boolean,
): void {
  const { source, reason, cohort } = end.decision
  if (end.cache === undefined) figures.answers.failed(end.decision)
  else figures.answers.answered({ source, reason, cohort, cache: end.cache }, end.ms / 1000)
  if (isQuestion) experiment.noteEnd(principal, end)
}

/** Offers some of what is asked to be compared, once the response was sent. */
function sampling(
  { shadow }: Pick<RequestsOptions, 'shadow'>,
  share: number,
  userId: string,
  notes: RequestNotes,
): AnswersOptions['onAsked'] {
  if (share === 0) return undefined
  return ({ queries, access, quality }, { cohort }) => {
    if (Math.random() >= share) return
    const before = notes.whenSent
    notes.whenSent = () => {
      before?.()
      shadow.offer({ key: requestKey({ queries, access, quality }), queries, access, userId, cohort })
    }
  }
}

/** What is noted of many requests of a second is none of them. */
function auditOf(
  { log, acknowledge }: AuditSide,
  { request, ...caller }: Pick<AuditEvent, 'who' | 'from' | 'request'>,
): RequestAudit {
  return {
    note: (event) => log.note({ ...caller, request, ...event }),
    noteRepeated: (event) => log.noteRepeated({ ...caller, request, ...event }),
    count: (event) => log.count({ ...caller, ...event }),
    requireRoom: log.requireRoom,
    acknowledge: () => acknowledge({ ...caller, request }),
  }
}

/** What others have told and published is looked at after the question has come. */
async function lackingNow({ losses, otherJournals }: RequestsOptions): Promise<Lacking> {
  await otherJournals.whenCurrent()
  const { inFiles, everywhere } = losses()
  return { inFiles: inFiles > 0, everywhere: everywhere > 0 || otherJournals.mayLack() }
}

const WHOLE: Question = { filter: {}, preference: 'AUTO' }

/** Which source answers one who asks, by what holds when they ask. */
function viewerOf(
  options: RequestsOptions,
  { userId, roles }: Pick<Principal, 'userId' | 'roles'>,
  side: DatabaseSide | undefined,
  standing: Pick<DecisionFacts, 'progress' | 'lacksTranscripts'>,
): { context: ViewerContext; decide: (question: Question) => Decision; shadowReads: number } {
  const { legacy, database, writing, flags, guard, threshold } = options
  const { preferences } = writing
  const userFlags = flags.of(userId, roles)
  const mayChoose = userFlags.userSourceChoice || roles.includes('operator')
  const hasDatabase = database.health().state !== 'OFF'
  const cutOverAt = side?.runs().cutOverAt()
  const allPublished = legacy.isAllPublished()
  const stored = (): SourcePreference => preferences.of(userId)
  const factsOf = ({ filter, preference }: Question): DecisionFacts => {
    const own = preference === 'AUTO' ? stored() : preference
    return {
      flags: userFlags,
      hasDatabase,
      isDatabaseOpen: side !== undefined && guard.isKnown(),
      guardTripped: guard.state().tripped,
      isHistorical: cutOverAt === undefined || (filter.from ?? Number.NEGATIVE_INFINITY) < cutOverAt,
      ...standing,
      threshold,
      allPublished,
      preference: mayChoose ? own : 'AUTO',
    }
  }
  const decide = (question: Question): Decision => decideSource(factsOf(question))
  return {
    decide,
    // the kill switch leaves the database alone
    shadowReads: hasDatabase && userFlags.databaseBridge ? userFlags.shadowReads : 0,
    context: {
      get decision() {
        return decide(WHOLE)
      },
      preference: stored(),
      mayChoose,
      realTimeUpdates: userFlags.realTimeUpdates,
      async choose(preference) {
        await preferences.choose(userId, preference)
        return decide(WHOLE)
      },
      explain: (filter) => explainDecision(factsOf({ ...WHOLE, filter })),
    },
  }
}
