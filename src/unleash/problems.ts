/** Who hears of problems: once when one begins, once when it is over. */
export interface ProblemListener {
  onProblem: (problem: string) => void
  onSolved: (problem: string) => void
}

/** What is wrong now. */
export interface Problems {
  /** From now on, these are all problems of an area: a text for each kind. The text of a kind may change silently. */
  set(area: string, problems: Record<string, string>): void
  all(): string[]
}

export function createProblems({ onProblem, onSolved }: ProblemListener): Problems {
  const known = new Map<string, Record<string, string>>()
  return {
    set(area, problems) {
      const before = known.get(area) ?? {}
      known.set(area, problems)
      for (const [kind, problem] of Object.entries(before)) if (!(kind in problems)) onSolved(problem)
      for (const [kind, problem] of Object.entries(problems)) if (!(kind in before)) onProblem(problem)
    },
    all: () => [...known.values()].flatMap((problems) => Object.values(problems)),
  }
}
