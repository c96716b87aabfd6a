import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../../corpus/random.ts'
import { atLeast, differencesIn, NOTHING, questionOf, type Told, toldIn } from './judge.ts'
import { boundsOf, type World } from './kill-world.ts'
import type { Server } from './server-process.ts'

/** What was answered to somebody who asks an instance all the time. */
export interface Watched {
  answers: number
  stale: number
  /** Of the stale ones, those that say that something is lost: nothing is. */
  lacking: number
  /** Refused, or cut off by the end of a server. */
  unanswered: number
  /** Of those, by error code; what was cut off has none. */
  codes: Record<string, number>
  /** Of answers, by source. */
  sources: Record<string, number>
  differences: string[]
}

export interface WatchingOptions {
  world: World
  random: Random
  name: string
  /** The instance as it runs now; `undefined` while it does not. */
  server: () => Server | undefined
  runs: RunOrder
  /** From when on they ask for: who asks for the same as others shares their answers. */
  from?: string
  pauseMs?: number
  /** Told of each answer, and how long it was waited for. */
  onAnswer?: (told: Told, ms: number) => void
}

const PREFERENCES = ['AUTO', 'LEGACY', 'CLICKHOUSE']
const MAX_DIFFERENCES = 20
/** Between two questions. */
const PAUSE_MS = 20

/**
 * Asks an instance again and again, and judges each answer: everything that was acknowledged before the question is in
 * it, nothing that was not there before its end, and never less than in an answer before it.
 */
export function watch({ world, random, name, server, runs, from, pauseMs = PAUSE_MS, onAnswer }: WatchingOptions) {
  const watched: Watched = { answers: 0, stale: 0, lacking: 0, unanswered: 0, codes: {}, sources: {}, differences: [] }
  let seen = { p: NOTHING, q: NOTHING }
  let isOver = false
  const judge = (told: Told, before: ReturnType<World['moment']>): string[] => {
    const bounds = boundsOf(before, world.moment(), told.source, seen.p)
    bounds.q.least = atLeast(bounds.q.least, seen.q)
    const { p, q } = told.parts
    seen = { p: atLeast(seen.p, p), q: atLeast(seen.q, q) }
    return differencesIn(told, bounds)
  }
  const ask = async (): Promise<void> => {
    const asked = server()
    if (asked === undefined) return
    const before = world.moment()
    const began = performance.now()
    const answer = await asked.ask(questionOf(random.pick(PREFERENCES), from), {}, name)
    const told = toldIn(answer)
    if (told === undefined) {
      const first = answer?.errors?.[0]
      const code =
        first === undefined ? `cut off: ${asked.whyNoAnswer()}` : `${first.extensions.code}: ${first.message}`
      watched.unanswered++
      watched.codes[code] = (watched.codes[code] ?? 0) + 1
      return
    }
    onAnswer?.(told, performance.now() - began)
    watched.answers++
    if (told.stale) watched.stale++
    if (told.lacks) watched.lacking++
    watched.sources[told.source] = (watched.sources[told.source] ?? 0) + 1
    const found = [...judge(told, before), ...(told.knowsRuns ? runs.judge(name, told.run?.id) : [])]
    for (const difference of found)
      if (watched.differences.length < MAX_DIFFERENCES) watched.differences.push(`${name}: ${difference}`)
  }
  const watching = (async () => {
    while (!isOver) {
      await ask()
      await sleep(pauseMs)
    }
  })()
  return {
    watched,
    async end(): Promise<Watched> {
      isOver = true
      await watching
      return watched
    },
  }
}

/** Runs, in the order in which anybody told of them first. */
export interface RunOrder {
  /** Nobody tells of an earlier run than the one that they told of before. */
  judge(name: string, run: string | undefined): string[]
}

export function createRunOrder(): RunOrder {
  const order: string[] = []
  const latest = new Map<string, number>()
  return {
    judge(name, run) {
      const before = latest.get(name) ?? -1
      if (run !== undefined && !order.includes(run)) order.push(run)
      const now = run === undefined ? -1 : order.indexOf(run)
      latest.set(name, Math.max(before, now))
      return now < before ? [`run ${now} of ${order.length} after run ${before}`] : []
    },
  }
}
