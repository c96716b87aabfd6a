import { inOneStep, type Work } from '../../domain/work.ts'
import type { Analysis } from '../analysis.ts'
import { createAnswering, type Moment } from './answering.ts'
import type { CallName, Calls } from './calls.ts'

/** Calls that change what is counted or known; all others are questions. */
type ChangeName = 'update' | 'proven' | 'setAside' | 'distrust'

export type Changes = { [Name in ChangeName]: (asked: Calls[Name][0]) => void }
export type Questions = { [Name in Exclude<CallName, ChangeName>]: (asked: Calls[Name][0]) => Work<Calls[Name][1]> }

/** These are of the moment in which they begin, whatever is counted before they end; for the others nothing may change. */
export const OF_THEIR_MOMENT: ReadonlySet<CallName> = new Set(['answer', 'answerUnpublished', 'answerPublished'])

/** What may be asked of an analysis. `sample` gives the one that answers in its place, where there is nothing. */
export function createQuestions(
  analysis: Analysis,
  moment: () => Moment,
  sample: () => Analysis | undefined,
): { questions: Questions; changes: Changes } {
  const { shipping } = analysis
  return {
    changes: {
      update: shipping.update,
      proven: analysis.proven,
      setAside: shipping.setAside,
      distrust: shipping.distrust,
    },
    questions: {
      ...createAnswering(analysis, moment, sample),
      nextRanges: ({ selection, maxRecords, after }) =>
        inOneStep(() => shipping.nextRanges(selection, maxRecords, after)),
      retired: () => inOneStep(shipping.retired),
      catalogue: () => inOneStep(shipping.catalogue),
      registrations: (which) => inOneStep(() => shipping.registrations(which)),
      unproven: () => inOneStep(shipping.unproven),
      archived: () => inOneStep(shipping.archived),
      absent: (states) => inOneStep(() => shipping.absent(states)),
      elsewhere: () => inOneStep(shipping.elsewhere),
      readable: (keys) => inOneStep(() => keys.filter((key) => shipping.pathOf(key) !== undefined)),
      publishedGroups: shipping.publishedGroups,
      publishedRows: ({ of, without }) => inOneStep(() => shipping.publishedRows(of, without)),
      pathOf: (key) => inOneStep(() => shipping.pathOf(key)),
      titles: ({ sessions, access }) => inOneStep(() => (sample() ?? analysis).titles(sessions, access)),
      conflictsOf: (entry) => inOneStep(() => analysis.conflictsOf(entry)),
    },
  }
}
