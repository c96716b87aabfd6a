import { inOneStep, type Work } from '../../domain/work.ts'
import type { SourceAnswer, SourceRequest, UnpublishedAnswer, UnpublishedRequest } from '../../ports/token-source.ts'
import type { Analysis } from '../analysis.ts'
import { type InParts, inParts } from './answer-parts.ts'
import type { CallName, Calls } from './calls.ts'

/** Calls that change what is counted or known; all others are questions. */
type ChangeName = 'update' | 'proven' | 'setAside' | 'distrust'

export type Changes = { [Name in ChangeName]: (asked: Calls[Name][0]) => void }
export type Questions = { [Name in Exclude<CallName, ChangeName>]: (asked: Calls[Name][0]) => Work<Calls[Name][1]> }

/** These are of the moment in which they begin, whatever is counted before they end; for the others nothing may change. */
export const OF_THEIR_MOMENT: ReadonlySet<CallName> = new Set(['answer', 'answerUnpublished'])

/** Of what an answer is. */
type Moment = Pick<SourceAnswer, 'asOf' | 'watermark'>

/** What may be asked of an analysis. `sample` gives the one that answers in its place, where there is nothing. */
export function createQuestions(
  analysis: Analysis,
  moment: () => Moment,
  sample: () => Analysis | undefined,
): { questions: Questions; changes: Changes } {
  const { shipping } = analysis

  function* answer({ queries, access, quality }: SourceRequest): Work<InParts<SourceAnswer>> {
    const served = sample()
    const from = served ?? analysis
    const now = moment()
    return yield* inParts({
      ...(yield* from.answering({ queries, access, quality })),
      ...now,
      sample: served !== undefined,
    })
  }

  function* answerUnpublished(asked: UnpublishedRequest): Work<InParts<UnpublishedAnswer>> {
    const { queries, access, quality, beyond } = asked
    const now = moment()
    const { identities, rows } = shipping.unpublished()
    const instead = shipping.electAnew(rows, beyond)
    const lacking = identities.length === 0 ? [] : shipping.lacking()
    return yield* inParts({
      ...(yield* analysis.answering({ queries, access, only: rows, instead, quality })),
      ...now,
      sample: false,
      identities,
      lacking,
    })
  }

  return {
    changes: {
      update: shipping.update,
      proven: analysis.proven,
      setAside: shipping.setAside,
      distrust: shipping.distrust,
    },
    questions: {
      answer,
      answerUnpublished,
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
