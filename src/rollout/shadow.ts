import type { Compared, ComparedQuestion, DropReason, ShadowCounts } from '../ports/comparison.ts'
import type { Cohort } from '../ports/flags.ts'

/** A question that was answered, and is asked of the other source, too. */
export interface SampledQuestion extends ComparedQuestion {
  /** The same for questions with the same answers. */
  key: string
  /** Whoever asked, and their arm: kept for as long as it waits, for the figures of the experiment. */
  userId: string
  cohort: Cohort | null
}

/** What a comparison came to, with the one after it where the two sources differed. */
export interface ShadowResult {
  question: SampledQuestion
  compared: Extract<Compared, { outcome: 'AGREED' | 'DIFFERS' }>
  /** They differed, and did so again. */
  confirmed: boolean
  /** Since the first look at both was over. */
  ms: number
}

export interface ShadowOptions {
  compare(question: ComparedQuestion, databaseFirst: boolean): Promise<Compared>
  compareControl(question: ComparedQuestion): Promise<Compared>
  /** What speaks against a comparison now. */
  busy: () => Promise<DropReason | undefined>
  onResult(result: ShadowResult): void
  /** The files differ from themselves: the comparison itself is wrong. */
  onControlDiffers(compared: Compared): void
  /** A mistake. */
  onFailed(error: unknown): void
  /** Settles after so many milliseconds, or at the end. */
  rest(ms: number): Promise<void>
  random?: () => number
  now?: () => number
}

/** Asks the other source what was sampled, after the answer: one at a time, and a small part of the time. */
export interface Shadow {
  /** Never throws, and does nothing by itself that takes time. */
  offer(question: SampledQuestion): void
  /** Of an operator, who waits for it: before all others. */
  compareNow(question: ComparedQuestion): Promise<Compared>
  figures(): ShadowCounts
  close(): void
}

const MAX_WAITING = 20
/** Comparisons take this share of the time at most. */
const SHARE_OF_TIME = 0.2
/** One question that takes very long does not blind everybody after it. */
const LONGEST_REST_MS = 10_000
/** Of so many comparisons one is of the files with the files. */
const CONTROL_EVERY = 20
/** How often a difference is looked at again where that look is discarded. */
const CONFIRM_TRIES = 5

export function createShadow(options: ShadowOptions): Shadow {
  const { busy, rest, now = () => performance.now() } = options
  const waiting = new Map<string, SampledQuestion>()
  let closed = false
  /** What ends after the close says nothing: the sources end, too. */
  const unlessClosed =
    <T>(tell: (told: T) => void) =>
    (told: T): void => {
      if (!closed) tell(told)
    }
  const onFailed = unlessClosed(options.onFailed)
  const looks = createLooks({ ...options, onResult: unlessClosed(options.onResult), onFailed })
  const { figures } = looks
  /** Whoever compares now, and after them whoever came while they did: one at a time. */
  let last: Promise<unknown> = Promise.resolve()
  let isRunning = false

  const oneAtATime = <T>(run: () => Promise<T>): Promise<T> => {
    const result = last.then(run)
    last = result.catch(() => undefined)
    return result
  }
  const workOff = async (): Promise<void> => {
    for (let next = first(waiting); next !== undefined && !closed; next = first(waiting)) {
      const question = next
      waiting.delete(question.key)
      const why = await busy()
      if (why !== undefined) {
        count(figures.dropped, why)
        continue
      }
      const startedAt = now()
      await oneAtATime(() => looks.shadow(question)).catch(onFailed)
      await rest(Math.min(LONGEST_REST_MS, (now() - startedAt) * (1 / SHARE_OF_TIME - 1)))
    }
  }
  return {
    offer(question) {
      if (closed) return
      if (waiting.has(question.key)) return count(figures.dropped, 'WAITS_ALREADY')
      if (waiting.size >= MAX_WAITING) return count(figures.dropped, 'QUEUE_FULL')
      waiting.set(question.key, question)
      if (isRunning) return
      isRunning = true
      void workOff().finally(() => {
        isRunning = false
      })
    },
    compareNow: (question) => oneAtATime(() => looks.compare(question)),
    figures: () => figures,
    close() {
      closed = true
      waiting.clear()
    },
  }
}

/** Looks at questions, each of them again where the two sources differ, and counts what that comes to. */
function createLooks({ onResult, onControlDiffers, rest, random = Math.random, ...options }: ShadowOptions) {
  const { now = () => performance.now() } = options
  const figures = noFigures()
  const counted = (compared: Compared): Compared => {
    if (compared.outcome === 'DISCARDED') {
      count(figures.discarded, compared.reason)
      if (compared.reason === 'FAILED') options.onFailed(compared.error)
    } else if (compared.leavesArchived) figures.leftArchived++
    return compared
  }
  const compare = async (question: ComparedQuestion): Promise<Compared> =>
    counted(await options.compare(question, random() < 0.5))
  /** Looks once more: what nobody sees again says something of the moment. */
  const isSeenAgain = async (question: ComparedQuestion): Promise<boolean> => {
    for (let tries = 0; tries < CONFIRM_TRIES; tries++) {
      const again = await compare(question)
      if (again.outcome !== 'DISCARDED') return again.outcome === 'DIFFERS'
      await rest(2 ** tries * 10)
    }
    return false
  }
  const control = async (question: ComparedQuestion): Promise<void> => {
    const compared = counted(await options.compareControl(question))
    if (compared.outcome === 'DISCARDED') return
    figures.controls++
    if (compared.outcome === 'AGREED') return
    figures.controlsDiffered++
    onControlDiffers(compared)
  }
  return {
    figures,
    compare,
    async shadow(question: SampledQuestion): Promise<void> {
      if (random() * CONTROL_EVERY < 1) await control(question)
      const compared = await compare(question)
      if (compared.outcome === 'DISCARDED') return
      if (compared.outcome === 'AGREED' && compared.records === 0n) return count(figures.discarded, 'EMPTY')
      const lookedAt = now()
      const differs = compared.outcome === 'DIFFERS'
      const confirmed = differs && (await isSeenAgain(question))
      if (confirmed) figures.confirmed++
      if (differs) figures.differed++
      else figures.agreed++
      onResult({ question, compared, confirmed, ms: now() - lookedAt })
    },
  }
}

function count<Reason extends string>(counts: Partial<Record<Reason, number>>, reason: Reason): void {
  counts[reason] = (counts[reason] ?? 0) + 1
}

const first = <T>(map: ReadonlyMap<string, T>): T | undefined => map.values().next().value

const noFigures = (): ShadowCounts => ({
  agreed: 0,
  differed: 0,
  confirmed: 0,
  controls: 0,
  controlsDiffered: 0,
  leftArchived: 0,
  discarded: {},
  dropped: {},
})
