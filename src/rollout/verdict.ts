import { count, grouped } from '../domain/counted.ts'
import type { ArmDifference, ArmVerdict } from './comparison.ts'
import { MEASURES } from './measures.ts'
import type { SampleRatio } from './sample-ratio.ts'

export interface VerdictFacts {
  differences: ArmDifference[]
  ratio: SampleRatio
  share: number | null
  /** No more questions will come. */
  isOver: boolean
  /** Answers to users who were not counted. */
  uncounted: number
}

export interface Verdict {
  differences: ArmDifference[]
  verdict: ArmVerdict
  reason: string
}

const DECIDING: ReadonlySet<string> = new Set(MEASURES.filter(({ decides }) => decides).map(({ name }) => name))

/** What follows from all differences together. The first that holds decides; what regressed is told in any case. */
export function verdictOf({ differences, ratio, share, isOver, uncounted }: VerdictFacts): Verdict {
  const judged = differences.map((one): ArmDifference => {
    if (one.verdict === 'HEALTHY' && ratio.isMismatch)
      return { ...one, verdict: 'INCONCLUSIVE', reason: `${one.reason}, but the arms are not those that were drawn` }
    if (one.verdict === 'WAITING' && isOver)
      return { ...one, verdict: 'INCONCLUSIVE', reason: `${one.reason}, and none come any more` }
    return one
  })
  const deciding = judged.filter(({ measure }) => DECIDING.has(measure))
  const of = (verdict: ArmVerdict): ArmDifference[] => deciding.filter((one) => one.verdict === verdict)
  const told = (ones: readonly ArmDifference[]): string =>
    ones.map(({ measure, reason }) => `${measure}: ${reason}`).join('; ')
  const left = uncounted === 0 ? '' : `; ${count(uncounted, 'answer')} went to more users than are counted`
  const says = (verdict: ArmVerdict, reason: string): Verdict => ({
    differences: judged,
    verdict,
    reason: `${reason}${left}`,
  })
  const [regressed, unmeasured] = [of('REGRESSED'), deciding.filter(({ difference }) => difference === null)]
  if (regressed.length > 0) return says('REGRESSED', told(regressed))
  if (share === 0 || share === 1)
    return says(
      'INCONCLUSIVE',
      `everybody is in the arm ${share === 0 ? 'legacy' : 'database'}: there is nothing to compare`,
    )
  if (ratio.isMismatch)
    return says(
      'INCONCLUSIVE',
      'there are more users in one arm than the flag puts there: whoever is missing may be who fared ill',
    )
  const open = [...of('WAITING'), ...of('INCONCLUSIVE')].filter((one) => !unmeasured.includes(one))
  if (unmeasured.length === deciding.length)
    return says(isOver ? 'INCONCLUSIVE' : 'WAITING', 'the experiment has decided no answer yet')
  if (open.length === 0) return says('HEALTHY', `no measure is worse by more than it may be${without(unmeasured)}`)
  if (isOver) return says('INCONCLUSIVE', told(open))
  const more = Math.max(...open.map(({ moreQuestions }) => moreQuestions ?? 0))
  return says('WAITING', `about ${grouped(more)} more questions are needed (${told(open)})`)
}

const without = (unmeasured: readonly ArmDifference[]): string =>
  unmeasured.length === 0
    ? ''
    : `; not measured: ${unmeasured.map(({ measure, reason }) => `${measure} (${reason})`).join(', ')}`
