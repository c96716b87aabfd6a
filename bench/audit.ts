// What it costs a cached answer that it is in the audit log: CPU of the count, beside CPU of the whole answer.
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import autocannon from 'autocannon'
import { loadMadeSecret } from '../src/access/secret.ts'
import { signToken } from '../src/access/tokens.ts'
import { openAuditLog } from '../src/audit/audit-log.ts'
import { benchCorpus } from './analyze.ts'
import { cpuUs } from './measure.ts'
import { startBridge, untilLine } from './processes.ts'

const QUERY = 'query Whole { tokenMetrics { tokens { total } costUsd } }'
const CONNECTIONS = 10
/** A cached answer takes as long over more; the sample, which answers where there is nothing, is not cached. */
const CORPUS_MB = 16
/** Of the CPU of an answer. */
const MOST = 0.1
const COUNTS = 2_000_000

export async function benchAudit(seconds: number): Promise<void> {
  const answerUs = await cpuOfAnswer(seconds)
  const countUs = await cpuOfCount()
  const share = countUs / answerUs
  process.stdout.write(
    `\na cached answer takes ${answerUs.toFixed(0)} µs of CPU, its count in the audit log ${countUs.toFixed(2)} µs: ${(100 * share).toFixed(2)} % (at most ${100 * MOST} %)\n`,
  )
  if (share > MOST) process.exitCode = 1
}

/** Microseconds of a bridge for one answer, all of its threads together. */
async function cpuOfAnswer(seconds: number): Promise<number> {
  const dataDir = mkdtempSync(join(tmpdir(), 'token-bridge-bench-'))
  // what an engine does by itself is no part of an answer
  const settings = { DATA_DIR: dataDir, TRANSCRIPTS_DIR: benchCorpus(CORPUS_MB), CLICKHOUSE_EMBEDDED: 'off' }
  const bridge = startBridge(settings)
  try {
    const url = await untilLine(bridge, /answers at (http:\S+)\/graphql/)
    bridge.stdout?.resume()
    const token = await signToken(loadMadeSecret(dataDir), { userId: 'bench', roles: ['viewer'] }, 3600)
    const load = (duration: number) =>
      autocannon({
        url: `${url}/graphql`,
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: JSON.stringify({ query: QUERY, operationName: 'Whole' }),
        connections: CONNECTIONS,
        duration,
      })
    await load(1)
    const before = cpuUs(bridge.pid)
    const { requests, non2xx, errors } = await load(seconds)
    if (non2xx + errors > 0) throw new Error(`${non2xx + errors} requests failed`)
    return (cpuUs(bridge.pid) - before) / requests.total
  } finally {
    bridge.kill('SIGTERM')
    await once(bridge, 'exit')
    rmSync(dataDir, { recursive: true, force: true })
  }
}

/** Microseconds for one read that is counted, with what is written once a second. */
async function cpuOfCount(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'token-bridge-bench-'))
  const log = openAuditLog({ folder: join(folder, 'audit'), key: Buffer.alloc(32, 1), maxBytes: 1 << 30 })
  const event = { who: 'bench', action: 'query Whole', outcome: 'ok', from: '127.0.0.1' }
  const before = process.cpuUsage()
  for (let i = 0; i < COUNTS; i++) log.count({ ...event })
  await log.close()
  const { user, system } = process.cpuUsage(before)
  rmSync(folder, { recursive: true, force: true })
  return (user + system) / COUNTS
}
