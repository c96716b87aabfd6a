import type { Work } from '../../domain/work.ts'
import type {
  PublishedInFilesAnswer,
  PublishedInFilesRequest,
  SourceAnswer,
  SourceRequest,
  UnpublishedAnswer,
  UnpublishedRequest,
} from '../../ports/token-source.ts'
import type { Analysis } from '../analysis.ts'
import { type InParts, inParts } from './answer-parts.ts'

/** Of what an answer is. */
export type Moment = Pick<SourceAnswer, 'asOf' | 'watermark'>

/** Answers about everything, about what is not published, and about what is. `sample`: see `createQuestions`. */
export function createAnswering(analysis: Analysis, moment: () => Moment, sample: () => Analysis | undefined) {
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

  function* answerPublished({
    queries,
    access,
    without,
  }: PublishedInFilesRequest): Work<InParts<PublishedInFilesAnswer>> {
    const now = moment()
    const { identities, rows } = shipping.published(without)
    const [lacking, isBehind] = [shipping.lacking(), shipping.isBehind()]
    return yield* inParts({
      ...(yield* analysis.answering({ queries, access, only: rows })),
      ...now,
      sample: sample() !== undefined,
      identities,
      lacking,
      isBehind,
    })
  }

  return { answer, answerUnpublished, answerPublished }
}
