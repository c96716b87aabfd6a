// The worst that one viewer, one ingester and one stranger may do, as scenarios. They run in a thread of their own.
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { GRAPHQL_TRANSPORT_WS_PROTOCOL } from 'graphql-ws'
import { WebSocket } from 'ws'

export interface Attack {
  url: string
  tokens: { viewer: string; ingester: string }
  /** Nothing new is begun once it is aborted. */
  signal: AbortSignal
  /** The whole of the scenarios that are shortened by default. */
  full: boolean
  /** Sends a GraphQL operation; notes what it was answered. */
  post(token: string, query: string, variables?: unknown): Promise<void>
  /** Notes what something was answered. */
  note(answer: string): void
}

export interface Scenario {
  name: string
  run(attack: Attack): Promise<unknown>
}

const times = (count: number, text: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => text(i)).join(' ')

/** Some clients that send as fast as they are answered, until it ends. */
function flood(attack: Attack, clients: number, send: (n: number) => Promise<void>): Promise<unknown> {
  let n = 0
  return Promise.all(
    Array.from({ length: clients }, async () => {
      while (!attack.signal.aborted) await send(n++)
    }),
  )
}

/** One viewer's document over and over, from four connections; never in the cache, where it takes `$to`. */
const viewer = (name: string, document: string, variables: (n: number) => unknown = () => ({})): Scenario => ({
  name,
  run: (attack) => flood(attack, 4, (n) => attack.post(attack.tokens.viewer, document, variables(n))),
})

const later = (n: number): string => new Date(4e12 + n).toISOString()
const EVERYTHING = `tokens { total } costUsd sessionCount byModel { model costUsd } byProject { project costUsd } byUser { user costUsd } byHost { host costUsd }
  timeSeries(granularity: DAY) { label costUsd } sessions(first: 20) { totalCount edges { node { id costUsd } } }`
/** This many filters that select everything, and never the same ones twice. */
const filters = (count: number, selection: string): Scenario =>
  viewer(
    `${count} filters of ${selection === EVERYTHING ? 'everything' : 'one section'}`,
    `query (${times(count, (i) => `$f${i}: TokenFilter`)}) { ${times(count, (i) => `a${i}: tokenMetrics(filter: $f${i}) { ${selection} }`)} }`,
    (n) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`f${i}`, { to: later(n * count + i) }])),
  )

const nested = (outer: number, middle: number, inner: number): Scenario =>
  viewer(
    `fragments ${outer}x${middle}x${inner}`,
    `{ ${times(outer, (i) => `q${i}: tokenMetrics { ...A }`)} }
     fragment A on TokenMetrics { ${times(middle, (i) => `m${i}: byModel { ...B }`)} }
     fragment B on ModelUsage { ${times(inner, (i) => `t${i}: tokens { total }`)} }`,
  )

const INGEST = `mutation ($input: IngestTokenRecordsInput!) { ingestTokenRecords(input: $input) { accepted rejected { index message } } }`
const record = (n: number) => ({
  sessionId: `worst-${n % 1000}`,
  project: 'worst',
  model: 'claude-sonnet-4-5-20250929',
  occurredAt: '2026-04-02T09:15:03.120Z',
  tokens: { input: '4', output: '120' },
  messageId: `msg_worst_${n}`,
})
const records = (count: number, from: number, more: (n: number) => object = () => ({})) => ({
  input: { records: Array.from({ length: count }, (_, i) => ({ ...record(from + i), ...more(from + i) })) },
})

/** Until a call is accepted: it may be told to try again. */
async function ingestModels(attack: Attack, models: number): Promise<void> {
  for (let from = 0; from < models && !attack.signal.aborted; from += 1000) {
    await attack.post(
      attack.tokens.ingester,
      INGEST,
      records(1000, from, (n) => ({ model: `house-model-${n}` })),
    )
    await sleep(30)
  }
}

const BY_MODEL = `query ($to: DateTime!) { tokenMetrics(filter: { to: $to }) { costUsd byModel { model tokens { total } costUsd } } }`

/** Sockets that say something and then nothing; held open to the end. */
async function hold(attack: Attack, count: number, text: string): Promise<void> {
  const { hostname, port } = new URL(attack.url)
  const sockets = Array.from({ length: count }, () => {
    const socket = connect(Number(port), hostname, () => socket.write(text))
    let answer = ''
    socket.on('data', (data) => (answer = answer || /HTTP\/1.1 (\d+)/.exec(String(data))?.[1] || ''))
    socket.on('error', () => undefined)
    socket.on('close', () => attack.note(answer === '' ? 'cut' : `HTTP ${answer}`))
    return socket
  })
  await untilAborted(attack.signal)
  for (const socket of sockets) if (!socket.destroyed) socket.destroy()
}

const untilAborted = async (signal: AbortSignal): Promise<void> => {
  if (!signal.aborted) await once(signal, 'abort')
}

async function webSockets(attack: Attack, count: number, onOpen: (socket: WebSocket) => void): Promise<void> {
  const url = `${attack.url.replace('http', 'ws')}/graphql`
  const sockets = Array.from({ length: count }, () => {
    const socket = new WebSocket(url, GRAPHQL_TRANSPORT_WS_PROTOCOL)
    socket.on('open', () => onOpen(socket))
    socket.on('unexpected-response', (_, { statusCode }) => attack.note(`HTTP ${statusCode}`))
    socket.on('error', () => undefined)
    socket.on('close', (code) => attack.note(`closed ${code}`))
    return socket
  })
  await untilAborted(attack.signal)
  for (const socket of sockets) socket.terminate()
}

const head = (attack: Attack, token: string | undefined, framing: string): string =>
  `POST /graphql HTTP/1.1\r\nhost: ${new URL(attack.url).host}\r\ncontent-type: application/json\r\n${
    token === undefined ? '' : `authorization: Bearer ${token}\r\n`
  }${framing}\r\n\r\n`

const SCENARIOS_BUT_ALL: Scenario[] = [
  { name: 'nothing', run: (attack) => untilAborted(attack.signal) },
  filters(5, EVERYTHING),
  filters(20, 'tokens { total }'),
  filters(20, EVERYTHING),
  viewer(
    '330 different from',
    `{ ${times(330, (i) => `a${i}: tokenMetrics(filter: { from: "${new Date(1e12 + i).toISOString()}" }) { costUsd }`)} }`,
  ),
  viewer(
    '380 x sessions(first: 500)',
    `query ($to: DateTime) { tokenMetrics(filter: { to: $to }) { ${times(380, (i) => `s${i}: sessions(first: 500) { edges { cursor } }`)} } }`,
    (n) => ({ to: later(n) }),
  ),
  nested(5, 60, 60),
  nested(5, 150, 150),
  viewer(
    '300 zones by the hour',
    `query ($to: DateTime) { tokenMetrics(filter: { to: $to }) { ${Intl.supportedValuesOf('timeZone')
      .slice(0, 300)
      .map((zone, i) => `z${i}: timeSeries(granularity: HOUR, timeZone: "${zone}") { label }`)
      .join(' ')} } }`,
    (n) => ({ to: later(n) }),
  ),
  viewer(
    '100 x a filter of 0.8 MB',
    `query ($f: TokenFilter) { ${times(100, (i) => `a${i}: tokenMetrics(filter: $f) { tokens { total } }`)} }`,
    (n) => ({ f: { to: later(n), projects: Array.from({ length: 1000 }, (_, i) => `${i}-`.padEnd(800, 'x')) } }),
  ),
  {
    name: '40,000 models, then byModel',
    async run(attack) {
      await ingestModels(attack, 40_000)
      await flood(attack, 2, (n) => attack.post(attack.tokens.viewer, BY_MODEL, { to: later(n) }))
    },
  },
  {
    name: 'ingest calls with 999 wrong records',
    run: (attack) => {
      let calls = 0
      return flood(attack, 4, async (n) => {
        if (++calls > (attack.full ? 1600 : 200)) return untilAborted(attack.signal)
        const wrong = (i: number): object => (i % 1000 === 0 ? {} : { sessionId: '?'.repeat(200), model: '' })
        await attack.post(attack.tokens.ingester, INGEST, records(1000, n * 1000, wrong))
      })
    },
  },
  {
    name: 'ingest as fast as it goes, and views of 5 filters',
    run: (attack) =>
      Promise.all([
        flood(attack, 4, (n) => attack.post(attack.tokens.ingester, INGEST, records(100, n * 100))),
        filters(5, EVERYTHING).run(attack),
      ]),
  },
  {
    name: '300 aliases of one mutation',
    run: (attack) =>
      flood(attack, 4, (n) =>
        attack.post(
          attack.tokens.ingester,
          `mutation ($input: IngestTokenRecordsInput!) { ${times(300, (i) => `a${i}: ingestTokenRecords(input: $input) { accepted }`)} }`,
          records(100, n * 100),
        ),
      ),
  },
  {
    name: '200 half-open POSTs',
    run: (attack) => hold(attack, 200, `${head(attack, attack.tokens.viewer, 'content-length: 500000')}{"query":"`),
  },
  {
    name: '1,000 chunked bodies without a token',
    run: (attack) =>
      hold(attack, 1000, `${head(attack, undefined, 'transfer-encoding: chunked')}8000\r\n${'x'.repeat(0x8000)}\r\n`),
  },
  { name: '500 sockets without a token', run: (attack) => webSockets(attack, 500, () => undefined) },
  {
    name: '5,000 subscriptions on one socket',
    run: (attack) =>
      webSockets(attack, 1, (socket) => {
        socket.on('message', (data) => {
          const message = JSON.parse(String(data)) as { type: string; payload?: { extensions?: { code: string } }[] }
          attack.note(message.payload?.[0]?.extensions?.code ?? message.type)
          if (message.type !== 'connection_ack') return
          const payload = { query: 'subscription { tokenMetricsUpdated { tokens { total } } }' }
          for (let i = 0; i < 5000; i++) socket.send(JSON.stringify({ id: String(i), type: 'subscribe', payload }))
        })
        const payload = { authorization: `Bearer ${attack.tokens.viewer}` }
        socket.send(JSON.stringify({ type: 'connection_init', payload }))
      }),
  },
]

export const SCENARIOS: Scenario[] = [
  ...SCENARIOS_BUT_ALL,
  { name: 'all together', run: (attack) => Promise.all(SCENARIOS_BUT_ALL.map(({ run }) => run(attack))) },
]
