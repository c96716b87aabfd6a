import { COHORTS } from '../ports/flags.ts'
import type { ExperimentEntry, ExperimentUser } from '../ports/journal.ts'
import { addFigures, figuresAsNumbers, figuresOf } from './figures.ts'
import { latenciesOf } from './latencies.ts'
import type { Tally } from './tally.ts'

// What was counted, as it is journaled.

/** Users of one entry. */
const AT_ONCE = 1000

/** Everything that was counted, in as many entries as it takes. */
export function entriesOf(
  counted: Tally,
  heading: () => Pick<ExperimentEntry, 'at' | 'writer' | 'number'>,
): ExperimentEntry[] {
  return counted.periods().flatMap(({ day, share, arms }) => {
    const users = COHORTS.flatMap((cohort) =>
      [...arms[cohort].users].map(([user, figures]): ExperimentUser => [user, cohort, figuresAsNumbers(figures)]),
    )
    const told = COHORTS.filter((cohort) => !arms[cohort].latencies.isEmpty())
    const latencies = Object.fromEntries(told.map((cohort) => [cohort, arms[cohort].latencies.numbers()]))
    const chunks = Array.from({ length: Math.max(1, Math.ceil(users.length / AT_ONCE)) }, (_, i) =>
      users.slice(i * AT_ONCE, (i + 1) * AT_ONCE),
    )
    return chunks.map((some, i): ExperimentEntry => {
      const { at, writer, number } = heading()
      return { kind: 'experiment', at, writer, number, day, share, users: some, latencies: i === 0 ? latencies : {} }
    })
  })
}

export function addEntry(tally: Tally, { day, share, users, latencies }: ExperimentEntry): void {
  for (const [userId, cohort, numbers] of users)
    addFigures(tally.figuresOf(day, share, cohort, userId), figuresOf(numbers))
  for (const cohort of COHORTS) {
    const numbers = latencies[cohort]
    if (numbers !== undefined) tally.period(day, share).arms[cohort].latencies.add(latenciesOf(numbers))
  }
}
