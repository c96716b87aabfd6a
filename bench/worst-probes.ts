// What others notice while a scenario of the benchmark `worst` goes on.
import { setTimeout as sleep } from 'node:timers/promises'
import { createLoadClient, type LoadAnswer } from './load-client.ts'

/** A probe that is not answered by then is as good as none. */
export const PROBE_TIMEOUT_MS = 30_000
/** Probes of one kind that wait at once. */
const MAX_WAITING = 10

const ORDINARY = (to: string): string =>
  JSON.stringify({
    query: `{ tokenMetrics(filter: { to: "${to}" }) { tokens { total } byModel { model tokens { total } costUsd } } }`,
  })

/** Health checks and another viewer's questions, sent when it is time, whether or not those before were answered. */
export function createProbes(url: string, token: string) {
  const client = createLoadClient(url)
  const timers: NodeJS.Timeout[] = []
  const worst = { health: 0, answer: 0 }
  let waiting = 0
  let wrong = 0
  let n = 0

  const measured = async (kind: keyof typeof worst, call: (signal: AbortSignal) => Promise<LoadAnswer>) => {
    const started = performance.now()
    waiting++
    const ok = await call(AbortSignal.timeout(PROBE_TIMEOUT_MS)).then(
      ({ status, text }) => status === 200 && !text.includes('"errors"'),
      () => false,
    )
    worst[kind] = Math.max(worst[kind], performance.now() - started)
    if (!ok) wrong++
    waiting--
  }
  const health = () => measured('health', (signal) => client.get('/health/live', signal))
  const asking = (operation: string) => measured('answer', (signal) => client.post(token, operation, signal))
  const fixed = () => asking(ORDINARY('2030-01-01T00:00:00Z'))
  const changing = () => asking(ORDINARY(new Date(3e12 + n++).toISOString()))
  const every = (ms: number, probe: () => Promise<void>): void => {
    let open = 0
    timers.push(
      setInterval(async () => {
        if (open >= MAX_WAITING) return
        open++
        await probe()
        open--
      }, ms),
    )
  }
  return {
    /** The compiled code, the caches and the heap are those of a server that has been asked before. */
    async warmUp(): Promise<void> {
      for (let i = 0; i < 60; i++) await Promise.all([health(), fixed(), changing()])
      worst.health = 0
      worst.answer = 0
      wrong = 0
    },
    start(): void {
      every(50, health)
      every(100, fixed)
      every(100, changing)
    },
    /** What was sent during the attack has been answered. */
    async settled(): Promise<void> {
      const until = Date.now() + PROBE_TIMEOUT_MS
      do await sleep(50)
      while (waiting > 2 && Date.now() < until)
    },
    stop(): void {
      for (const timer of timers) clearInterval(timer)
      client.close()
    },
    figures: () => ({ healthMs: worst.health, answerMs: worst.answer, wrong }),
  }
}
