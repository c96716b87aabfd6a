import { randomBytes } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { start } from '../support/cli.ts'
import { constrainedFlagsFile, forRole } from '../support/flags.ts'
import { useScenes } from '../support/migration-scene.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { openSocket, subscribe } from '../support/small-subscriptions.ts'
import { type ReceivedSpan, startTraceCollector } from '../support/trace-collector.ts'
import { line, makeFolder, writeTranscripts } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

const scene = useScenes()

const QUESTION = '{ tokenMetrics { recordCount } }'
const CALLER = 'b7ad6b7169203331'
const newTraceId = (): string => randomBytes(16).toString('hex')
const traceparent = (traceId: string, flags = '01'): string => `00-${traceId}-${CALLER}-${flags}`

/** Asks as a part of a trace; returns the answer's data. */
async function askWithin(
  server: TestServer,
  parent: string,
  operation: object,
  // biome-ignore lint/suspicious/noExplicitAny: each question has a shape of its own
): Promise<any> {
  const headers = {
    'content-type': 'application/json',
    authorization: `Bearer ${await server.token(['viewer', 'ingester', 'operator'])}`,
    traceparent: parent,
  }
  const response = await fetch(`${server.url}/graphql`, { method: 'POST', headers, body: JSON.stringify(operation) })
  return ((await response.json()) as { data: unknown }).data
}

/** `request > resolve > cache get`, of each. */
function pathsOf(spans: readonly ReceivedSpan[]): string[] {
  const pathOf = ({ name, parentSpanId }: ReceivedSpan): string => {
    const parent = spans.find(({ spanId }) => spanId === parentSpanId)
    return parent === undefined ? name : `${pathOf(parent)} > ${name}`
  }
  return spans.map(pathOf).sort()
}

const named = (spans: readonly ReceivedSpan[], name: string): ReceivedSpan => {
  const found = spans.find((span) => span.name === name)
  if (found === undefined) throw new Error(`there is no span ${name} among ${spans.map((span) => span.name)}`)
  return found
}

const withTranscripts = (): string => {
  const folder = makeFolder()
  writeTranscripts(folder, { 'p/a.jsonl': [line()] })
  return folder
}

describe('traces', () => {
  test('of a question are a part of the trace that it came with, from the request to the source', async () => {
    const collector = await startTraceCollector()
    const server = await startServer(withTranscripts(), { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url })
    const traceId = newTraceId()
    expect(await askWithin(server, traceparent(traceId), { query: QUESTION })).toEqual({
      tokenMetrics: { recordCount: '1' },
    })
    const spans = await collector.traceWith('request', traceId)
    expect(pathsOf(spans)).toEqual([
      'request',
      'request > resolve',
      'request > resolve > ask source',
      'request > resolve > cache get',
      'request > resolve > cache set',
    ])
    const request = named(spans, 'request')
    expect(request.parentSpanId).toBe(CALLER)
    expect(server.log()).toContain(`"trace":"${traceId}"`)
    expect(request.attributes).toEqual({
      'http.request.method': 'POST',
      'http.route': '/graphql',
      'http.response.status_code': 200,
      'graphql.operation.type': 'query',
      'token_bridge.source': ['LEGACY'],
      'token_bridge.reason': ['BRIDGE_DISABLED'],
      'token_bridge.cache': ['MISS'],
    })
    expect(named(spans, 'resolve').attributes).toEqual({
      'token_bridge.source': 'LEGACY',
      'token_bridge.reason': 'BRIDGE_DISABLED',
      'token_bridge.cohort': 'none',
      'token_bridge.cache': 'MISS',
    })
    expect(named(spans, 'cache get').attributes).toEqual({ 'token_bridge.found': false })
  })

  test('of a response that is sent again as bytes have the request alone', async () => {
    const collector = await startTraceCollector()
    const server = await startServer(withTranscripts(), { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url })
    for (let i = 0; i < 3; i++) await askWithin(server, traceparent(newTraceId()), { query: QUESTION })
    const traceId = newTraceId()
    await askWithin(server, traceparent(traceId), { query: QUESTION })
    const spans = await collector.traceWith('request', traceId)
    expect(pathsOf(spans)).toEqual(['request'])
    expect(spans[0]).toMatchObject({
      parentSpanId: CALLER,
      attributes: {
        'token_bridge.source': ['LEGACY'],
        'token_bridge.cache': ['HIT'],
        'graphql.operation.type': 'query',
        'http.response.status_code': 200,
      },
    })
  })

  test('begin anew where the header is malformed, and are not recorded where the caller does not record', async () => {
    const collector = await startTraceCollector()
    const server = await startServer(withTranscripts(), { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url })
    const [malformed, unrecorded, last] = [newTraceId(), newTraceId(), newTraceId()]
    await askWithin(server, `00-${malformed}-tooshort-01`, { query: QUESTION })
    await askWithin(server, traceparent(unrecorded, '00'), { query: QUESTION })
    await askWithin(server, traceparent(last), { query: QUESTION })
    await collector.traceWith('request', last)
    expect(collector.received()).not.toContain(malformed)
    expect(collector.received()).not.toContain(unrecorded)
    const begun = collector.spans().filter(({ name, traceId }) => name === 'request' && traceId !== last)
    expect(begun).toHaveLength(1)
    expect(begun[0]?.parentSpanId).toBe('')
  })

  test('have no text of a caller, and tell failures by their code', async () => {
    const collector = await startTraceCollector()
    const server = await startServer(withTranscripts(), {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Basic%20canaryheader',
      OTEL_SERVICE_NAME: 'bridge-of-the-test',
    })
    const traceId = newTraceId()
    const query = 'query CanaryOperation($p: String!) { tokenMetrics(filter: { projects: [$p] }) { recordCount } }'
    await askWithin(server, traceparent(traceId), { query, variables: { p: 'canaryproject' } })
    await collector.traceWith('request', traceId)
    const failing = newTraceId()
    const bad = '{ tokenMetrics(filter: { from: "canaryfrom" }) { recordCount } }'
    await askWithin(server, traceparent(failing), { query: bad })
    const request = named(await collector.traceWith('request', failing), 'request')
    expect(request.status).toBe(2)
    expect(request.attributes['error.type']).toMatch(/^[A-Z_]+$/)
    expect(collector.received()).toContain('bridge-of-the-test')
    expect(collector.received()).not.toMatch(/canary|laptop|"ann"|eyJ/i)
    expect(collector.headers()[0]?.authorization).toBe('Basic canaryheader')
    expect(server.log()).not.toContain('canaryheader')
  })

  test('have the statements of a question, the journal of an ingest, and what is shipped as a trace of its own', async () => {
    const collector = await startTraceCollector()
    const { server, migrate } = await scene({ settings: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url } })
    await migrate()
    const shipped = await collector.traceWith('ship')
    expect(pathsOf(shipped)).toEqual(
      expect.arrayContaining(['ship > statement write-batches', 'ship > publish > statement publish']),
    )
    expect(named(shipped, 'ship')).toMatchObject({
      parentSpanId: '',
      attributes: { 'token_bridge.outcome': 'published', 'token_bridge.records': 42 },
    })
    const traceId = newTraceId()
    const record = {
      sessionId: 'canarysession',
      project: 'p',
      model: 'm',
      occurredAt: '2026-04-02T09:15:03Z',
      tokens: { input: '1', output: '1', cacheCreation: '0', cacheRead: '0' },
    }
    await askWithin(server, traceparent(traceId), {
      query: 'mutation ($input: IngestTokenRecordsInput!) { ingestTokenRecords(input: $input) { accepted } }',
      variables: { input: { records: [record] } },
    })
    const ingest = await collector.traceWith('request', traceId)
    expect(pathsOf(ingest)).toEqual(['request', 'request > journal'])
    expect(named(ingest, 'journal').attributes).toEqual({ 'token_bridge.kind': 'ingest', 'token_bridge.records': 1 })
    const carried = await until('what was journaled to be shipped', () =>
      collector.spans().find(({ follows }) => follows.includes(traceId)),
    )
    expect(carried).toMatchObject({ name: 'ship', parentSpanId: '', attributes: { 'token_bridge.records': 1 } })
    const asked = await until('the database to answer', async () => {
      const traceId = newTraceId()
      const { tokenMetrics } = await askWithin(server, traceparent(traceId), {
        query: '{ tokenMetrics { recordCount provenance { source } } }',
      })
      if (tokenMetrics.provenance.source !== 'CLICKHOUSE') return undefined
      return traceId
    })
    const spans = await collector.traceWith('request', asked)
    expect(pathsOf(spans)).toEqual(expect.arrayContaining(['request > resolve > ask source > statement answer']))
    expect(named(spans, 'resolve').attributes).toMatchObject({ 'token_bridge.source': 'CLICKHOUSE' })
    expect(collector.received()).not.toContain('canarysession')
  })

  test('cost no answer where the collector is away, which is logged once', async () => {
    const folder = withTranscripts()
    const server = await startServer(folder, {
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: (await startTraceCollector(400)).url,
      OTEL_EXPORTER_OTLP_HEADERS: 'x-key=canaryheader',
    })
    const trouble = 'traces cannot be sent'
    for (let i = 0; i < 3; i++) {
      expect((await server.ask(QUESTION)).data).toEqual({ tokenMetrics: { recordCount: '1' } })
      await until('the trouble', () => server.log().includes(trouble) || undefined)
    }
    await server.close()
    const told = server
      .log()
      .split('\n')
      .filter((one) => one.includes(trouble) && one.includes('"level":40'))
    expect(told).toHaveLength(1)
    expect(told[0]).toContain('400')
    expect(server.log()).not.toContain('canaryheader')
  })

  test('end with the server: what is left is sent, and a collector that does not answer holds it up for seconds', async () => {
    const collector = await startTraceCollector()
    const server = await startServer(withTranscripts(), { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url })
    await server.ask(QUESTION)
    await server.close()
    expect(collector.spans().map(({ name }) => name)).toContain('request')

    const silent = await startTraceCollector('never')
    const other = await startServer(withTranscripts(), { OTEL_EXPORTER_OTLP_ENDPOINT: silent.url })
    expect((await other.ask(QUESTION)).data).toEqual({ tokenMetrics: { recordCount: '1' } })
    const before = performance.now()
    await other.close()
    expect(silent.headers()).toHaveLength(1)
    expect(performance.now() - before).toBeLessThan(9000)
  })
})

describe('traces of a subscription', () => {
  const LIVE = 'subscription Canary { tokenMetricsUpdated { recordCount } }'
  const pushesIn = (spans: readonly ReceivedSpan[], told: boolean): ReceivedSpan[] =>
    spans.filter(({ name, attributes }) => name === 'push' && attributes['token_bridge.told'] === told)

  test('are a part of the trace that the connection named, with each answer that is pushed', async () => {
    const collector = await startTraceCollector()
    const folder = withTranscripts()
    const server = await startServer(folder, {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      RESCAN_INTERVAL_MS: '200',
    })
    const traceId = newTraceId()
    const token = await server.token(['viewer'])
    const socket = await openSocket(server.url, token, { params: { traceparent: traceparent(traceId) } })
    socket.send(subscribe('canaryid', LIVE))
    const first = await collector.traceWith('push', traceId)
    expect(pathsOf(first)).toEqual([
      'subscribe',
      'subscribe > push',
      'subscribe > push > resolve',
      'subscribe > push > resolve > ask source',
      'subscribe > push > resolve > cache get',
      'subscribe > push > resolve > cache set',
    ])
    expect(named(first, 'subscribe')).toMatchObject({
      parentSpanId: CALLER,
      attributes: { 'graphql.operation.type': 'subscription' },
      status: 0,
    })
    expect(named(first, 'push').attributes).toEqual({
      'token_bridge.source': ['LEGACY'],
      'token_bridge.reason': ['BRIDGE_DISABLED'],
      'token_bridge.cache': ['MISS'],
      'token_bridge.told': true,
    })
    appendFileSync(join(folder, 'projects', 'p', 'a.jsonl'), `${line({ id: 'msg_more' })}\n`)
    const both = await until('the next answer', () => {
      const pushed = pushesIn(collector.spans(), true)
      return pushed.length > 1 ? pushed : undefined
    })
    expect(new Set(both.map((span) => `${span.traceId} ${span.parentSpanId}`))).toEqual(
      new Set([`${traceId} ${named(first, 'subscribe').spanId}`]),
    )
    expect(collector.received()).not.toMatch(/canary/i)
  })

  test('are a part of that of the upgrade, of none, or not recorded, as for any other request', async () => {
    const collector = await startTraceCollector()
    const server = await startServer(withTranscripts(), { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url })
    const [upgrade, unrecorded] = [newTraceId(), newTraceId()]
    const token = await server.token(['viewer'])
    for (const more of [
      { params: { traceparent: traceparent(unrecorded, '00') } },
      { params: { traceparent: 12 } },
      { headers: { traceparent: traceparent(upgrade) } },
    ]) {
      const socket = await openSocket(server.url, token, more)
      socket.send(subscribe('s', LIVE))
      await until('an answer', () => socket.messages.find(({ type }) => type === 'next'))
    }
    const spans = await collector.traceWith('push', upgrade)
    expect(named(spans, 'subscribe').parentSpanId).toBe(CALLER)
    const begun = collector.spans().filter(({ name, traceId }) => name === 'subscribe' && traceId !== upgrade)
    expect(begun.map(({ parentSpanId }) => parentSpanId)).toEqual([''])
    expect(collector.received()).not.toContain(unrecorded)
  })

  test('tell by a code why it was refused, or has ended', async () => {
    const collector = await startTraceCollector()
    const server = await startServer(withTranscripts(), {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      FLAGS_FILE: constrainedFlagsFile('real_time_updates_enabled', [forRole('operator')]),
    })
    const failing = async (query: string, code: string): Promise<void> => {
      const traceId = newTraceId()
      const token = await server.token(['viewer'])
      const socket = await openSocket(server.url, token, { params: { traceparent: traceparent(traceId) } })
      socket.send(subscribe('s', query))
      const spans = await collector.traceWith('subscribe', traceId)
      expect(pathsOf(spans)).toEqual(['subscribe'])
      expect(spans[0]).toMatchObject({ status: 2, attributes: { 'error.type': code, 'token_bridge.errors': [code] } })
    }
    await failing('subscription { canary }', 'BAD_USER_INPUT')
    await failing('{ tokenMetrics { recordCount } }', 'BAD_USER_INPUT')
    await failing(LIVE, 'FORBIDDEN')
    expect(collector.received()).not.toMatch(/canary/i)
  })
})

/** Tells on standard error which modules are loaded. */
const TELLING = `data:text/javascript,${encodeURIComponent(
  "import { registerHooks } from 'node:module'; registerHooks({ load(url, context, next) { process.stderr.write(url + '\\n'); return next(url, context) } })",
)}`

describe("OpenTelemetry's SDK", () => {
  const loadedWith = async (settings: Record<string, string>): Promise<string> => {
    const folder = withTranscripts()
    const server = start(['serve'], folder, {
      PORT: '0',
      TRANSCRIPTS_DIR: folder,
      CLICKHOUSE_EMBEDDED: 'off',
      NODE_OPTIONS: `--import=${TELLING}`,
      ...settings,
    })
    await until('the server', () => server.stdout().includes('answers at') || undefined)
    return server.stderr()
  }

  test('is loaded where there is an exporter alone', async () => {
    const otlp = /dist\/program\/otlp-/
    const away = 'http://127.0.0.1:1'
    expect(await loadedWith({ OTEL_EXPORTER_OTLP_ENDPOINT: away })).toMatch(otlp)
    for (const off of [
      {},
      { OTEL_EXPORTER_OTLP_ENDPOINT: away, OTEL_SDK_DISABLED: 'true' },
      { OTEL_EXPORTER_OTLP_ENDPOINT: away, OTEL_TRACES_EXPORTER: 'none' },
    ]) {
      const loaded = await loadedWith(off)
      expect(loaded).toContain('dist/program/main')
      expect(loaded).not.toMatch(otlp)
    }
  })
})
