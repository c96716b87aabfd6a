/**
 * What is counted of a user in an arm, in the order in which it is journaled: later releases may add to the end.
 * `computed`: answers that came from no cache; `logMs`: the sum of the natural logarithms of their milliseconds.
 */
export const FIGURES = [
  'questions',
  'errors',
  'fallbacks',
  'cacheHits',
  'comparisons',
  'mismatches',
  'computed',
  'logMs',
] as const

export type Figure = (typeof FIGURES)[number]
export type Figures = Record<Figure, number>

export const noFigures = (): Figures => ({
  questions: 0,
  errors: 0,
  fallbacks: 0,
  cacheHits: 0,
  comparisons: 0,
  mismatches: 0,
  computed: 0,
  logMs: 0,
})

export function addFigures(to: Figures, more: Readonly<Figures>): void {
  for (const figure of FIGURES) to[figure] += more[figure]
}

/** Enough of the digits: what is journaled is short. */
const rounded = (value: number): number => Math.round(value * 1e6) / 1e6

export const figuresAsNumbers = (figures: Readonly<Figures>): number[] =>
  FIGURES.map((figure) => rounded(figures[figure]))

/** What an earlier release did not count is 0, and what no number is, too. */
export function figuresOf(numbers: readonly number[]): Figures {
  const figures = noFigures()
  FIGURES.forEach((figure, i) => {
    const value = numbers[i]
    if (value !== undefined && Number.isFinite(value)) figures[figure] = value
  })
  return figures
}
