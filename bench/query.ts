// A tokenMetrics query beside what else answers a question: a bare Apollo "hello" on Fastify, a bare Fastify route that
// verifies the token and sends the bytes of the whole view, and Node's own server that sends them to anybody. Each in a
// process of its own. `only`: names of what is asked, with commas.
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import autocannon from 'autocannon'
import { loadMadeSecret } from '../src/access/secret.ts'
import { signToken } from '../src/access/tokens.ts'
import { benchCorpus } from './analyze.ts'
import type { Figure } from './figures.ts'
import { cpuUs, median } from './measure.ts'
import { startBridge, startBytes, startHello, untilLine } from './processes.ts'

const HELLO = '{ hello }'
const WHOLE = '{ tokenMetrics { tokens { total } costUsd } }'
export const VIEW = `{ tokenMetrics { tokens { total } costUsd timeSeries(granularity: DAY) { label tokens { total } }
  byModel { model tokens { total } } byProject { project tokens { total } } sessions(first: 20) { edges { node { id tokens { total } } } } } }`
/** The same question with another end in the far future each time: never in the cache. */
let n = 0
const uncached = (query: string): string =>
  query.replace('tokenMetrics', `tokenMetrics(filter: { to: "${new Date(4e12 + n++).toISOString()}" })`)
const CONNECTIONS = 10

export interface Server {
  process: ChildProcess
  url: string
}

interface Asked {
  server: Server
  query: string
  /** Another question each time. */
  isNew?: boolean
}

export interface Rate {
  perSecond: number
  p99: number
  /** Microseconds of the server's processor for a request: other work on the machine changes it less than the rate. */
  serverUs: number
}

const textOf = (query: string): string => JSON.stringify({ query })

export async function load({ server, query, isNew = false }: Asked, token: string, seconds: number): Promise<Rate> {
  const before = cpuUs(server.process.pid)
  const result = await autocannon({
    url: `${server.url}/graphql`,
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    // a request that is the same each time is made once: making it takes more of the machine than answering it
    ...(isNew
      ? { requests: [{ setupRequest: (request) => ({ ...request, body: textOf(uncached(query)) }) }] }
      : { body: textOf(query) }),
    connections: CONNECTIONS,
    duration: seconds,
  })
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`${result.non2xx + result.errors} requests failed`)
  const serverUs = (cpuUs(server.process.pid) - before) / result.requests.total
  return { perSecond: result.requests.average, p99: result.latency.p99, serverUs }
}

/** What the bridge answers to a question that it has answered before. */
async function bytesOf(url: string, token: string, query: string): Promise<Buffer> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` }
  const ask = () => fetch(`${url}/graphql`, { method: 'POST', headers, body: textOf(query) })
  await (await ask()).arrayBuffer()
  return Buffer.from(await (await ask()).arrayBuffer())
}

export async function benchQuery(
  megabytes: number,
  rounds: number,
  seconds: number,
  only = '',
): Promise<readonly Figure[]> {
  const corpus = benchCorpus(megabytes)
  const dataDir = mkdtempSync(join(tmpdir(), 'token-bridge-bench-'))
  const servers: Server[] = []
  const start = async (process: ChildProcess, pattern = /(http:\S+)/): Promise<Server> => {
    const server = { process, url: await untilLine(process, pattern) }
    servers.push(server)
    process.stdout?.resume()
    return server
  }
  try {
    // with a line for each request, as in production, which goes to a file
    const log = openSync(join(dataDir, 'log'), 'w', 0o600)
    const settings = { DATA_DIR: dataDir, TRANSCRIPTS_DIR: corpus, LOG_LEVEL: 'info' }
    const bridge = await start(startBridge(settings, log), /answers at (http:\S+)\/graphql/)
    const token = await signToken(loadMadeSecret(dataDir), { userId: 'bench', roles: ['viewer'] }, 3600)
    const secretFile = join(dataDir, 'secret-of-peers')
    const payloadFile = join(dataDir, 'payload-of-peers')
    writeFileSync(secretFile, loadMadeSecret(dataDir), { mode: 0o600 })
    writeFileSync(payloadFile, await bytesOf(bridge.url, token, VIEW), { mode: 0o600 })
    const asked: Record<string, Asked> = {
      hello: { server: await start(startHello()), query: HELLO },
      http: { server: await start(startBytes('http', payloadFile, secretFile)), query: VIEW },
      fastify: { server: await start(startBytes('fastify', payloadFile, secretFile)), query: VIEW },
      whole: { server: bridge, query: WHOLE },
      'whole uncached': { server: bridge, query: WHOLE, isNew: true },
      view: { server: bridge, query: VIEW },
      'view uncached': { server: bridge, query: VIEW, isNew: true },
    }
    const wanted = Object.entries(asked).filter(([name]) => only === '' || only.split(',').includes(name))
    const rates = Object.fromEntries(wanted.map(([name]) => [name, [] as Rate[]]))
    for (let round = 0; round < rounds; round++)
      for (const [name, one] of wanted) rates[name]?.push(await load(one, token, seconds))
    const { recordCount } = JSON.parse(readFileSync(join(corpus, 'truth.json'), 'utf8'))
    return print(rates, `tokenMetrics over ${recordCount} records, medians of ${rounds} rounds of ${seconds} s`)
  } finally {
    for (const { process: child } of servers) {
      child.kill('SIGTERM')
      await once(child, 'exit')
    }
    rmSync(dataDir, { recursive: true, force: true })
  }
}

function print(rates: Record<string, Rate[]>, title: string): readonly Figure[] {
  const of = (name: string, what: keyof Rate): number => median((rates[name] ?? []).map((rate) => rate[what]))
  const beside = (name: string, peer: string): string => (of(name, 'perSecond') / of(peer, 'perSecond')).toFixed(2)
  process.stdout.write(`\n${title}, ${CONNECTIONS} connections\n`)
  for (const name of Object.keys(rates))
    process.stdout.write(
      `  ${name.padEnd(14)} ${of(name, 'perSecond').toFixed(0)} req/s  p99 ${of(name, 'p99').toFixed(0)} ms  ${of(name, 'serverUs').toFixed(0)} µs of the server  ${beside(name, 'hello')} of hello  ${beside(name, 'fastify')} of fastify\n`,
    )
  const told = (name: string): string => `${of(name, 'perSecond').toFixed(0)} a second`
  const peers = `Apollo "hello": ${told('hello')}, ${beside('view', 'hello')} of it; a Fastify route with a token: ${told('fastify')}, ${beside('view', 'fastify')} of it`
  return [
    { what: 'a whole view that was answered before', ours: told('view'), peer: peers },
    {
      what: `${title.split(',')[0]}: a whole view`,
      ours: told('view uncached'),
      peer: `99 % within ${of('view uncached', 'p99').toFixed(0)} ms`,
    },
  ]
}
