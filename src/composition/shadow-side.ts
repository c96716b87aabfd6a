import { setTimeout as sleep } from 'node:timers/promises'
import type { Config } from '../config.ts'
import { EVERYTHING } from '../domain/scope.ts'
import type { LegacySource } from '../enhanced-analysis/service/legacy-source.ts'
import type { ShadowFigures } from '../observability/figures/shadow.ts'
import type { Logger } from '../observability/logger.ts'
import type { Compared, ComparedQuestion, DropReason } from '../ports/comparison.ts'
import type { SourceHealth } from '../ports/token-source.ts'
import { createEvidence, type Evidence } from '../rollout/evidence.ts'
import { createMismatches, type Mismatches } from '../rollout/mismatches.ts'
import { createOwnReset, type OwnReset } from '../rollout/own-reset.ts'
import { createShadow, type Shadow, type ShadowResult } from '../rollout/shadow.ts'
import type { ExperimentSide } from './experiment.ts'
import type { GuardSide } from './guard.ts'
import type { KeptDatabaseSide } from './kept-database-side.ts'
import type { StateSide } from './shared-state.ts'
import type { WayIn } from './way-in.ts'

/** Comparisons after answers, what they found, and the guard that trips by it. */
export interface ShadowSide extends Pick<Shadow, 'offer'> {
  figures(): ShadowFigures
  mismatches: Pick<Mismatches, 'page'>
  evidence: Pick<Evidence, 'answered' | 'consistency' | 'comparisons'>
  /** For an operator who waits for it. */
  compareNow(question: ComparedQuestion): Promise<Compared>
  /** `undefined`: nothing is wrong with it. */
  problem(): SourceHealth | undefined
  close(): void
}

export interface ShadowSideOptions {
  config: Config
  wayIn: Pick<WayIn, 'journal'>
  state: Pick<StateSide, 'events'>
  guard: GuardSide
  legacy: Pick<LegacySource, 'waiting'>
  database: Pick<KeptDatabaseSide, 'current'>
  experiment: Pick<ExperimentSide, 'noteComparison'>
  logger: Logger
}

/** A turn of the event loop that comes so much later than it should: users wait, too. */
const LATE_MS = 50
const PROBE_MS = 5
/** Calls that wait for the analysis. */
const ANALYSIS_WAITING = 3
const LOOK_MS = 1000
/** What was found is noted once in this time. */
const NOTED_ONCE_MS = 600_000

export function openShadowSide(options: ShadowSideOptions): ShadowSide {
  const { config, wayIn, state, guard, database, logger } = options
  const closing = new AbortController()
  const mismatches = createMismatches({
    journal: wayIn.journal,
    sameMs: Math.min(NOTED_ONCE_MS, config.guard.resetAfterMs === 0 ? NOTED_ONCE_MS : config.guard.resetAfterMs / 3),
    onUnkept: (err) => logger.warn({ err }, 'a mismatch is known on this instance alone: the disk took nothing'),
  })
  state.events.on('state', (entry) => {
    if (entry.kind === 'mismatch') mismatches.remember(entry)
  })
  const evidence = createEvidence(config.guard)
  guard.events.on('reset', evidence.forget)
  const trip = (reason: string): void => {
    guard.trip(reason).catch((err: unknown) => logger.error({ err }, 'the guard has tripped on this instance alone'))
  }
  const onResult = ({ question, compared, confirmed, ms }: ShadowResult): void => {
    const agreed = compared.outcome === 'AGREED'
    evidence.compared(agreed)
    ownReset.compared(agreed)
    options.experiment.noteComparison({ userId: question.userId, cohort: question.cohort, agreed })
    const [first] = compared.differences
    if (first === undefined) return
    mismatches.note(compared.differences, confirmed)
    const { field, control, candidate } = first
    // before it is told: nobody waits for a line of the log
    if (confirmed) trip(`${field} is ${control} in the files and ${candidate} in ClickHouse`)
    const told = { field, control, candidate, confirmed, ms: Math.round(ms) }
    logger.error(told, 'ClickHouse says something else than the files')
  }
  const comparing = () => current(options)?.comparing
  const shadow = createShadow({
    compare: async (question, databaseFirst) => (await comparing()?.compare(question, databaseFirst)) ?? NOBODY,
    compareControl: async (question) => (await comparing()?.compareControl(question)) ?? NOBODY,
    busy: () => busy(options),
    onResult,
    onControlDiffers: (compared) =>
      logger.error({ compared }, 'the files differ from themselves: comparisons say nothing'),
    onFailed: (err) => logger.error({ err }, 'a comparison failed'),
    rest: (ms) => sleep(ms, undefined, { ref: false, signal: closing.signal }).catch(() => undefined),
  })
  const compareNow = (question: ComparedQuestion): Promise<Compared> =>
    database.current() === undefined ? Promise.resolve(NOBODY) : shadow.compareNow(question)
  const ownReset = createOwnReset({
    afterMs: config.guard.resetAfterMs,
    state: guard.state,
    mismatchHeardAt: mismatches.heardAt,
    questions: mismatches.questions,
    replay: (query) => compareNow({ queries: [query], access: EVERYTHING }),
  })
  const timer = setInterval(() => look(guard, evidence.beyondLine(), ownReset, trip, logger), LOOK_MS)
  timer.unref()
  return {
    offer: shadow.offer,
    figures: () => ({
      ...shadow.figures(),
      consistency: evidence.consistency(),
      isGuardTripped: guard.state().tripped,
    }),
    compareNow,
    mismatches,
    evidence,
    problem: () => problemOf(shadow),
    close() {
      clearInterval(timer)
      closing.abort()
      shadow.close()
    },
  }
}

const NOBODY: Compared = { outcome: 'DISCARDED', reason: 'UNAVAILABLE' }

const current = ({ database, guard }: Pick<ShadowSideOptions, 'database' | 'guard'>) => {
  const side = database.current()
  return side?.isFresh() === true && guard.isKnown() ? side : undefined
}

async function busy(options: ShadowSideOptions): Promise<DropReason | undefined> {
  const side = current(options)
  if (side === undefined || !side.isReachable()) return 'NO_DATABASE'
  if (options.legacy.waiting() >= ANALYSIS_WAITING) return 'ANALYSIS_BUSY'
  if (side.isBusy()) return 'DATABASE_BUSY'
  const askedAt = performance.now()
  await sleep(PROBE_MS, undefined, { ref: false })
  return performance.now() - askedAt > PROBE_MS + LATE_MS ? 'EVENT_LOOP_BUSY' : undefined
}

/** Trips the guard where something is beyond its line for long enough, and resets it where everything was well for long enough. */
function look(
  guard: GuardSide,
  beyond: string | undefined,
  ownReset: OwnReset,
  trip: (reason: string) => void,
  logger: Logger,
): void {
  if (!guard.state().tripped && beyond !== undefined) trip(beyond)
  const reset = async (): Promise<void> => {
    const well = await ownReset.reason()
    if (well !== undefined) await guard.reset(well)
  }
  reset().catch((err: unknown) => logger.warn({ err }, 'the guard could not be reset by itself'))
}

function problemOf({ figures }: Shadow): SourceHealth | undefined {
  const { controlsDiffered } = figures()
  if (controlsDiffered === 0) return undefined
  const detail = `the files differed from themselves ${controlsDiffered} times: comparisons say nothing`
  return { state: 'DEGRADED', detail }
}
