import type { ShadowCounts } from '../../ports/comparison.ts'
import { alone, type Family, type Labels, yesOrNo } from '../family.ts'

/** What comparisons of the two sources tell of themselves. */
export interface ShadowFigures extends ShadowCounts {
  /** 0 to 1; `undefined` where nothing was compared lately. */
  consistency: number | undefined
  isGuardTripped: boolean
}

type Told = (readonly [Labels, number])[]

const byReason = (counts: Readonly<Record<string, number>>): Told =>
  Object.entries(counts).map(([reason, value]) => [{ reason }, value])

const byOutcome = (agreed: number, differed: number): Told => [
  [{ outcome: 'agreed' }, agreed],
  [{ outcome: 'differed' }, differed],
]

type Row = [
  name: string,
  type: 'counter' | 'gauge',
  labelNames: string[],
  help: string,
  told: (figures: ShadowFigures) => Told,
]

const ROWS: Row[] = [
  [
    'shadow_comparisons_total',
    'counter',
    ['outcome'],
    'Questions that both sources were asked since the start, by whether they said the same.',
    ({ agreed, differed }) => byOutcome(agreed, differed),
  ],
  [
    'shadow_mismatches_confirmed_total',
    'counter',
    [],
    'Of those that differed, how many did so again at once.',
    ({ confirmed }) => alone(confirmed),
  ],
  [
    'shadow_controls_total',
    'counter',
    ['outcome'],
    'Comparisons of the files with the files: none may differ.',
    ({ controls, controlsDiffered }) => byOutcome(controls - controlsDiffered, controlsDiffered),
  ],
  [
    'shadow_ignored_total',
    'counter',
    ['rule'],
    'Comparisons in which something was left out by a rule: archived records.',
    ({ leftArchived }) => [[{ rule: 'archived' }, leftArchived]],
  ],
  [
    'shadow_discarded_total',
    'counter',
    ['reason'],
    'Comparisons that came to nothing, which is no mismatch.',
    ({ discarded }) => byReason(discarded),
  ],
  [
    'shadow_dropped_total',
    'counter',
    ['reason'],
    'Sampled questions that were not compared, as something had much to do.',
    ({ dropped }) => byReason(dropped),
  ],
  [
    'consistency_ratio',
    'gauge',
    [],
    'Share of comparisons of the last hour in which both sources said the same.',
    ({ consistency }) => alone(consistency),
  ],
  [
    'guard_tripped',
    'gauge',
    [],
    '1 while everybody is on the files, whatever the flags say.',
    ({ isGuardTripped }) => alone(yesOrNo(isGuardTripped)),
  ],
]

export const shadowFamilies = (figures: () => ShadowFigures): Family[] =>
  ROWS.map(([name, type, labelNames, help, told]) => ({
    name: `token_bridge_${name}`,
    type,
    help,
    labelNames,
    values: () => told(figures()),
  }))
