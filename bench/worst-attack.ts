// The attacker of the benchmark `worst`, in a thread of its own: what it does must not delay what is measured.
import { setTimeout as sleep } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { createLoadClient } from './load-client.ts'
import { type Attack, SCENARIOS } from './worst-scenarios.ts'

/** How the attack is started. */
export interface AttackOptions {
  scenario: string
  url: string
  tokens: Attack['tokens']
  full: boolean
  /** Nothing new is begun after it; what is not answered within `abortMs` is given up. */
  seconds: number
  abortMs: number
}

const { scenario, url, tokens, full, seconds, abortMs } = workerData as AttackOptions
/** How often each answer came. */
const answers = new Map<string, number>()
const note = (answer: string): void => void answers.set(answer, (answers.get(answer) ?? 0) + 1)
const client = createLoadClient(url)
const givenUp = AbortSignal.timeout(abortMs)

interface Answer {
  data?: unknown
  errors?: { message?: string; extensions?: { code?: string } }[]
}

async function post(token: string, query: string, variables: unknown = {}): Promise<void> {
  try {
    const { status, text } = await client.post(token, JSON.stringify({ query, variables }), givenUp)
    note(codeOf(text, status))
  } catch {
    // a server that is gone is not asked in a loop without end
    await sleep(100)
    note(givenUp.aborted ? 'no answer' : 'cut')
  }
}

function codeOf(text: string, status: number): string {
  try {
    const { errors } = JSON.parse(text) as Answer
    return errors === undefined ? 'ok' : (errors[0]?.extensions?.code ?? errors[0]?.message ?? `HTTP ${status}`)
  } catch {
    return `HTTP ${status}`
  }
}

const found = SCENARIOS.find(({ name }) => name === scenario)
// a timer that keeps the thread alive
const ending = new AbortController()
setTimeout(() => ending.abort(), seconds * 1000)
const attack: Attack = { url, tokens, signal: ending.signal, full, post, note }
await found?.run(attack)
parentPort?.postMessage(answers)
client.close()
parentPort?.close()
