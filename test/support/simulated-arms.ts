import { createRandom, type Random } from '../../corpus/random.ts'
import { type ArmDifference, compareArms } from '../../src/rollout/comparison.ts'
import { type Figures, noFigures } from '../../src/rollout/figures.ts'
import { exponential, normal } from './random-normal.ts'

/** An experiment of a few hours in which users of both arms ask, and somebody looks every minute. */
export interface Simulated {
  seed: number
  users: number
  /** Of users in the arm `database`. */
  share: number
  minutes: number
  /** Within how many minutes all users have come. */
  arriving: number
  /** That a user asks in a minute, on average. */
  questions: number
  /** Standard deviations of the logarithm of the latency: among users, and of one user. */
  spread: { users: number; own: number }
  errors: number
  /** By how much the logarithm of the latency of the database is larger. */
  slower?: number
}

interface SimulatedUser {
  figures: Figures
  logMs: number
  questions: number
  errors: number
}

/** Tells each look what is seen, until it says that it has seen enough. */
export function simulate(simulated: Simulated, look: (seen: ArmDifference[], minute: number) => boolean): void {
  const random = createRandom(simulated.seed)
  const arms = { legacy: [] as SimulatedUser[], database: [] as SimulatedUser[] }
  for (let minute = 0; minute < simulated.minutes; minute++) {
    const come = Math.min(simulated.users, Math.ceil((simulated.users * (minute + 1)) / simulated.arriving))
    while (arms.legacy.length + arms.database.length < come) {
      const cohort = random.next() < simulated.share ? 'database' : 'legacy'
      arms[cohort].push(newUser(simulated, random, cohort === 'database' ? (simulated.slower ?? 0) : 0))
    }
    for (const user of [...arms.legacy, ...arms.database]) ask(user, simulated, random)
    const seen = (users: readonly SimulatedUser[]): Figures[] =>
      users.map(({ figures }) => figures).filter(({ questions }) => questions > 0)
    if (look(compareArms({ legacy: seen(arms.legacy), database: seen(arms.database) }), minute)) return
  }
}

/** Some ask much and some little, some run into errors and some do not. */
const newUser = ({ questions, errors, spread }: Simulated, random: Random, slower: number): SimulatedUser => ({
  figures: noFigures(),
  logMs: 3 + slower + spread.users * normal(random),
  questions: questions * exponential(random),
  errors: errors * exponential(random),
})

function ask({ figures, logMs, questions, errors }: SimulatedUser, { spread }: Simulated, random: Random): void {
  const asked = Math.floor(questions) + (random.next() < questions % 1 ? 1 : 0)
  for (let i = 0; i < asked; i++) {
    figures.questions++
    if (random.next() < errors) figures.errors++
    else if (random.next() < 0.5) figures.cacheHits++
    else {
      figures.computed++
      figures.logMs += logMs + spread.own * normal(random)
    }
  }
}
