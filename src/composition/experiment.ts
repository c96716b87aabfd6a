import type { Principal } from '../access/roles.ts'
import type { Logger } from '../observability/logger.ts'
import type { Flags } from '../ports/flags.ts'
import type { End } from '../reading/answers.ts'
import { type ExperimentReport, reportOf } from '../rollout/experiment.ts'
import { createExposures, type Exposures } from '../rollout/exposures.ts'
import { againAndAgain } from '../turns/again-and-again.ts'
import type { StateSide } from './shared-state.ts'
import type { WayIn } from './way-in.ts'

export interface ExperimentSide {
  /** A question of a user has ended; where the experiment did not decide it, nothing is counted. */
  noteEnd(user: Pick<Principal, 'userId' | 'roles'>, end: End): void
  /** Both sources were asked a question of a user that the experiment had decided. */
  noteComparison(comparison: Omit<Parameters<Exposures['noteComparison']>[0], 'share'>): void
  report(from: number | undefined, to: number | undefined): ExperimentReport
  close(): Promise<void>
}

/** Between two looks whether something is to be journaled. */
const STEP_MS = 2000
/** How long the end waits for a step. */
const END_MS = 1000

export function openExperimentSide(
  flags: Pick<Flags, 'experiment' | 'noteExposure'>,
  { journal }: Pick<WayIn, 'journal'>,
  state: Pick<StateSide, 'events'>,
  logger: Logger,
): ExperimentSide {
  const exposures = createExposures({ journal })
  state.events.on('state', (entry) => {
    if (entry.kind === 'experiment') exposures.remember(entry)
  })
  let isTold = false
  const step = async (): Promise<void> => {
    try {
      if (!journal.isRead()) return
      await exposures.journalDue()
      isTold = false
    } catch (error) {
      if (!isTold) logger.warn({ err: error }, 'what the experiment counted cannot be journaled now: it is tried again')
      isTold = true
    }
  }
  const stop = againAndAgain(step, STEP_MS)
  return {
    noteEnd(user, { decision: { cohort, source }, cache, ms }) {
      if (cohort === null) return
      const { share } = flags.experiment()
      const answered = cache === undefined ? undefined : source
      const isFirst = exposures.noteAnswer({ userId: user.userId, cohort, share, source: answered, cache, ms })
      flags.noteExposure(user, cohort, isFirst)
    },
    noteComparison: (comparison) => exposures.noteComparison({ ...comparison, share: flags.experiment().share }),
    report: (from, to) => reportOf({ exposures, setup: flags.experiment(), from, to }),
    async close() {
      await stop(END_MS)
      await exposures.close()
    },
  }
}
