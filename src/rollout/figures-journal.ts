import { randomUUID } from 'node:crypto'
import { COHORTS } from '../ports/flags.ts'
import type { ExperimentEntry, Journal } from '../ports/journal.ts'
import { entriesOf } from './experiment-entries.ts'
import { createTally, type Tally } from './tally.ts'

/** On average: a disk full of figures helps nobody. Whoever is new in an arm is journaled at once all the same. */
const JOURNALED_BYTES_PER_SECOND = 20

/** What is counted here, on its way into the journal: a few entries, each for many answers. */
export interface FiguresJournal {
  /** Of the entries of this start of the instance. */
  writer: string
  /** What was put into entries here, and what others have written. */
  journaled: Tally
  /** What waits. */
  pending(): Tally
  /** Somebody who waits is new in an arm. */
  noteNew(): void
  /** Journals what is to be journaled by now. Throws where the journal takes nothing; it is tried again then. */
  journalDue(): Promise<void>
  journalAll(): Promise<void>
}

export function createFiguresJournal(journal: Journal, now: () => number): FiguresJournal {
  const writer = randomUUID()
  const journaled = createTally()
  let pending = createTally()
  /** In entries, which the journal has not taken yet. */
  let unwritten: ExperimentEntry[] = []
  let written = 0
  let hasNew = false
  let dueAt = 0

  const write = async (): Promise<void> => {
    // one that failed is written again as it was: if it is there after all, it counts once
    for (let entry = unwritten[0]; entry !== undefined; entry = unwritten[0]) {
      await journal.append(entry)
      unwritten.shift()
    }
  }
  const flush = async (all: boolean): Promise<void> => {
    await write()
    const taken = pending
    const parts = all ? { fresh: taken, left: createTally() } : partedByNew(taken, journaled)
    pending = parts.left
    hasNew = false
    const at = now()
    unwritten = entriesOf(parts.fresh, () => ({ at, writer, number: written++ }))
    journaled.add(parts.fresh)
    if (all) dueAt = at + (1000 * JSON.stringify(unwritten).length) / JOURNALED_BYTES_PER_SECOND
    await write()
  }
  return {
    writer,
    journaled,
    pending: () => pending,
    noteNew() {
      hasNew = true
    },
    async journalDue() {
      const isDue = now() >= dueAt && pending.size() > 0
      if (isDue || hasNew || unwritten.length > 0) await flush(isDue)
    },
    journalAll: () => flush(true),
  }
}

/** Those who are new in an arm on their day, and all the rest. */
function partedByNew(counted: Tally, known: Tally): { fresh: Tally; left: Tally } {
  const [fresh, left] = [createTally(), createTally()]
  for (const { day, share, arms } of counted.periods())
    for (const cohort of COHORTS) {
      const { users, latencies } = arms[cohort]
      for (const [userId, figures] of users) {
        const to = known.has(day, share, cohort, userId) ? left : fresh
        Object.assign(to.figuresOf(day, share, cohort, userId), figures)
      }
      if (!latencies.isEmpty()) left.period(day, share).arms[cohort].latencies.add(latencies)
    }
  return { fresh, left }
}
