// A tokenMetrics query beside a bare Apollo "hello" on Fastify, each in a process of its own.
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import autocannon from 'autocannon'
import { loadMadeSecret } from '../src/access/secret.ts'
import { signToken } from '../src/access/tokens.ts'
import { benchCorpus } from './analyze.ts'
import { median } from './measure.ts'
import { startBridge, startHello, untilLine } from './processes.ts'

const HELLO = '{ hello }'
const WHOLE = '{ tokenMetrics { tokens { total } costUsd } }'
const VIEW = `{ tokenMetrics { tokens { total } costUsd timeSeries(granularity: DAY) { label tokens { total } }
  byModel { model tokens { total } } byProject { project tokens { total } } sessions(first: 20) { edges { node { id tokens { total } } } } } }`
/** The same question with another end in the far future each time: never in the cache. */
let n = 0
const uncached = (query: string): string =>
  query.replace('tokenMetrics', `tokenMetrics(filter: { to: "${new Date(4e12 + n++).toISOString()}" })`)
const CONNECTIONS = 10

async function load(
  url: string,
  token: string,
  query: () => string,
  seconds: number,
): Promise<{ perSecond: number; p99: number }> {
  const result = await autocannon({
    url: `${url}/graphql`,
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    requests: [{ setupRequest: (request) => ({ ...request, body: JSON.stringify({ query: query() }) }) }],
    connections: CONNECTIONS,
    duration: seconds,
  })
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`${result.non2xx + result.errors} requests failed`)
  return { perSecond: result.requests.average, p99: result.latency.p99 }
}

export async function benchQuery(megabytes: number, rounds: number, seconds: number): Promise<void> {
  const corpus = benchCorpus(megabytes)
  const dataDir = mkdtempSync(join(tmpdir(), 'token-bridge-bench-'))
  const bridge = startBridge({ DATA_DIR: dataDir, TRANSCRIPTS_DIR: corpus })
  const hello = startHello()
  try {
    const bridgeUrl = await untilLine(bridge, /answers at (http:\S+)\/graphql/)
    const helloUrl = await untilLine(hello, /(http:\S+)/)
    bridge.stdout?.resume()
    hello.stdout?.resume()
    const token = await signToken(loadMadeSecret(dataDir), { userId: 'bench', roles: ['viewer'] }, 3600)
    const results: Record<string, { perSecond: number; p99: number }[]> = {
      hello: [],
      whole: [],
      'whole uncached': [],
      view: [],
      'view uncached': [],
    }
    for (let round = 0; round < rounds; round++) {
      results.hello?.push(await load(helloUrl, token, () => HELLO, seconds))
      for (const [name, query] of Object.entries({ whole: WHOLE, view: VIEW })) {
        results[name]?.push(await load(bridgeUrl, token, () => query, seconds))
        results[`${name} uncached`]?.push(await load(bridgeUrl, token, () => uncached(query), seconds))
      }
    }
    const rate = (name: string) => median((results[name] ?? []).map(({ perSecond }) => perSecond))
    const p99 = (name: string) => median((results[name] ?? []).map((result) => result.p99))
    const records = JSON.parse(readFileSync(join(corpus, 'truth.json'), 'utf8')).recordCount
    process.stdout.write(
      `\ntokenMetrics over ${records} records, ${CONNECTIONS} connections, medians of ${rounds} rounds of ${seconds} s\n`,
    )
    for (const name of Object.keys(results))
      process.stdout.write(
        `  ${name.padEnd(14)} ${rate(name).toFixed(0)} req/s  p99 ${p99(name).toFixed(0)} ms  ratio ${(rate(name) / rate('hello')).toFixed(3)}\n`,
      )
  } finally {
    for (const child of [bridge, hello]) {
      child.kill('SIGTERM')
      await once(child, 'exit')
    }
    rmSync(dataDir, { recursive: true, force: true })
  }
}
