// ingestTokenRecords under load beside @clickhouse/client alone, which inserts the same rows without validating,
// journaling, reading back or counting anything once.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadMadeSecret } from '../src/access/secret.ts'
import { signToken } from '../src/access/tokens.ts'
import type { Figure } from './figures.ts'
import { createLoadClient } from './load-client.ts'
import { startBridge, untilLine } from './processes.ts'

const CLIENTS = [1, 10, 50]
const BATCHES = [1, 100, 1000]
/** The load of a team: ten that send a hundred records at a time. */
const HEADLINE = '10x100'
/** Before it is measured: V8 compiles what is called often while it is called. */
const WARM_UP_SECONDS = 2
const QUERY = `mutation ($input: IngestTokenRecordsInput!) { ingestTokenRecords(input: $input) { accepted rejected { index } durability } }`

let n = 0
const record = () => ({
  sessionId: `session-${n % 500}`,
  project: `project-${n % 20}`,
  model: 'claude-sonnet-4-5-20250929',
  occurredAt: '2026-04-02T09:15:03.120Z',
  tokens: { input: '4', output: '120', cacheCreation: '1800', cacheRead: '52000' },
  messageId: `msg_bench_${n++}`,
})

interface Result {
  perSecond: number
  p50: number
  p99: number
  /** Calls that were told to try again. */
  refused?: number
}

/** Clients that send as fast as they are answered, and wait a moment where they are refused, as the error asks them to. */
async function loadBridge(
  url: string,
  token: string,
  clients: number,
  batch: number,
  seconds: number,
): Promise<Result> {
  const client = createLoadClient(url, clients)
  const latencies: number[] = []
  let refused = 0
  const until = performance.now() + seconds * 1000
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (performance.now() < until) {
        const body = JSON.stringify({
          query: QUERY,
          variables: { input: { records: Array.from({ length: batch }, record) } },
        })
        for (;;) {
          const started = performance.now()
          const answer = JSON.parse((await client.post(token, body)).text) as Answer
          if (answer.data?.ingestTokenRecords.accepted === batch) {
            latencies.push(performance.now() - started)
            break
          }
          if (answer.errors?.[0]?.extensions.code !== 'OVERLOADED') throw new Error(JSON.stringify(answer))
          refused++
          await new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 80))
        }
      }
    }),
  )
  client.close()
  latencies.sort((a, b) => a - b)
  const at = (share: number): number => latencies[Math.floor(latencies.length * share)] ?? 0
  return { perSecond: (latencies.length * batch) / seconds, p50: at(0.5), p99: at(0.99), refused }
}

interface Answer {
  data?: { ingestTokenRecords: { accepted: number } } | null
  errors?: { extensions: { code: string } }[]
}

/** In a process of its own: one can have one engine, and the engine crashes in a thread that is not the first. */
async function loadPeer(clients: number, batch: number, seconds: number): Promise<Result> {
  const peer = fork(new URL('./ingest-peer.ts', import.meta.url), [clients, batch, seconds].map(String))
  const ended = once(peer, 'exit')
  const [result] = (await Promise.race([
    once(peer, 'message'),
    ended.then(([code]) => Promise.reject(new Error(`the peer ended with ${code}`))),
  ])) as [Result]
  await ended
  return result
}

/** `only`: such as `50x1000`. */
export async function benchIngest(seconds: number, only?: string): Promise<readonly Figure[]> {
  const figures: Figure[] = []
  const dataDir = mkdtempSync(join(tmpdir(), 'token-bridge-bench-'))
  const bridge = startBridge({ DATA_DIR: dataDir, HOME: dataDir })
  try {
    const url = await untilLine(bridge, /answers at (http:\S+)\/graphql/)
    bridge.stdout?.resume()
    const token = await signToken(loadMadeSecret(dataDir), { userId: 'bench', roles: ['ingester'] }, 3600)
    process.stdout.write(`\ningestTokenRecords beside @clickhouse/client alone, ${seconds} s each\n`)
    process.stdout.write(
      '  clients  batch   bridge rec/s  p50 ms  p99 ms  refused   client rec/s  p50 ms  p99 ms   ratio\n',
    )
    for (const clients of CLIENTS)
      for (const batch of BATCHES) {
        if (only !== undefined && only !== `${clients}x${batch}`) continue
        await loadBridge(url, token, clients, batch, WARM_UP_SECONDS)
        const ours = await loadBridge(url, token, clients, batch, seconds)
        const peer = await loadPeer(clients, batch, seconds)
        const cells = [
          clients,
          batch,
          ours.perSecond,
          ours.p50,
          ours.p99,
          ours.refused ?? 0,
          peer.perSecond,
          peer.p50,
          peer.p99,
        ]
        const widths = [9, 7, 15, 8, 8, 9, 15, 8, 8]
        process.stdout.write(
          `${cells.map((cell, i) => cell.toFixed(0).padStart(widths[i] ?? 8)).join('')}${(ours.perSecond / peer.perSecond).toFixed(2).padStart(8)}\n`,
        )
        if (`${clients}x${batch}` === HEADLINE) figures.push(figureOf(ours, peer))
      }
  } finally {
    bridge.kill('SIGTERM')
    await once(bridge, 'exit')
    rmSync(dataDir, { recursive: true, force: true })
  }
  return figures
}

const figureOf = (ours: Result, peer: Result): Figure => {
  const told = ({ perSecond, p99 }: Result): string =>
    `${perSecond.toFixed(0)} records a second, 99 % within ${p99.toFixed(0)} ms`
  return {
    what: `ingest, clients x records: ${HEADLINE}, on disk before the answer, in ClickHouse once`,
    ours: told(ours),
    peer: `ClickHouse's client alone, unchecked: ${told(peer)}`,
  }
}
