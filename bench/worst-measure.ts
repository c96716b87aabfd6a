// One scenario of the benchmark `worst` against one server, and what others notice of it.
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { AttackOptions } from './worst-attack.ts'
import { createProbes } from './worst-probes.ts'

const ATTACK_SECONDS = 6
const ABORT_MS = 20_000
/** What gives memory back gets this long. */
const SETTLE_MS = 10_000

export interface Attacked extends Pick<AttackOptions, 'scenario' | 'url' | 'tokens' | 'full'> {
  server: ChildProcess
  /** Of another viewer. */
  token: string
  /** Growth in MB that is not waited for to be given back. */
  growthMb: number
  /** Called when the server was asked often enough to be warm. */
  onWarm?: () => Promise<void>
}

/** What others noticed. */
export interface Noticed {
  died: boolean
  healthMs: number
  answerMs: number
  /** Of another viewer's questions. */
  wrong: number
  beforeMb: number
  peakMb: number
  afterMb: number
  /** Time of the processor that the server took: it is the same on a machine that is busy with something else. */
  cpuMs: number
  answers: Map<string, number>
}

export async function underAttack({ server, token, growthMb, onWarm, ...attacked }: Attacked): Promise<Noticed> {
  const probes = createProbes(attacked.url, token)
  await probes.warmUp()
  await onWarm?.()
  const before = rssOf(server)
  const peak = watchPeak(server)
  const cpuBefore = cpuOf(server)
  probes.start()
  const answers = await attack({ ...attacked, seconds: ATTACK_SECONDS, abortMs: ABORT_MS })
  await probes.settled()
  const cpuMs = cpuOf(server) - cpuBefore
  const until = Date.now() + SETTLE_MS
  while (Date.now() < until && isRunning(server) && rssOf(server) > before + growthMb) await sleep(250)
  probes.stop()
  return {
    ...probes.figures(),
    died: !isRunning(server),
    beforeMb: before,
    peakMb: peak(),
    afterMb: rssOf(server),
    cpuMs,
    answers,
  }
}

async function attack(options: AttackOptions): Promise<Map<string, number>> {
  const worker = new Worker(new URL('./worst-attack.ts', import.meta.url), { workerData: options })
  let answers = new Map<string, number>()
  worker.on('message', (message: Map<string, number>) => (answers = message))
  worker.on('error', (error) => answers.set(`the attack failed: ${error.message}`, 1))
  const late = setTimeout(() => void worker.terminate(), ABORT_MS + 2000)
  await new Promise((resolve) => worker.on('exit', resolve))
  clearTimeout(late)
  return answers
}

function watchPeak(server: ChildProcess): () => number {
  let peak = rssOf(server)
  const timer = setInterval(() => (peak = Math.max(peak, rssOf(server) || 0)), 50)
  return () => {
    clearInterval(timer)
    return peak
  }
}

/** Resident memory in MB; NaN where the process is gone or the system does not tell. */
function rssOf({ pid }: ChildProcess): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
  } catch {
    return Number.NaN
  }
}

/** Ticks of the kernel, as it counts the time of processes: 100 a second. */
const TICK_MS = 10

/** Time of the processor that it has taken so far; NaN where the process is gone or the system does not tell. */
function cpuOf({ pid }: ChildProcess): number {
  try {
    // behind the name, which may hold anything: the state is the third field, user and system time the 14th and 15th
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS
  } catch {
    return Number.NaN
  }
}

const isRunning = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode === null && signalCode === null

export async function stop(server: ChildProcess): Promise<void> {
  if (!isRunning(server)) return
  const gone = once(server, 'exit')
  server.kill('SIGTERM')
  const late = setTimeout(() => server.kill('SIGKILL'), 5000)
  await gone
  clearTimeout(late)
}
