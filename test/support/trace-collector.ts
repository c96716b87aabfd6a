import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { until } from './until.ts'

/** A span as a collector gets it. */
export interface ReceivedSpan {
  traceId: string
  spanId: string
  parentSpanId: string
  name: string
  attributes: Record<string, unknown>
  /** 2: it failed. */
  status: number
  /** Traces that it follows from. */
  follows: string[]
}

export interface TraceCollector {
  url: string
  /** All that was sent so far, as text. */
  received(): string
  headers(): readonly IncomingHttpHeaders[]
  spans(): ReceivedSpan[]
  /** The spans of a trace, once there is one of that name among them. */
  traceWith(name: string, traceId?: string): Promise<ReceivedSpan[]>
}

/** What takes spans over OTLP, as JSON over HTTP, and answers with a status. */
export async function startTraceCollector(answer: number | 'never' = 200): Promise<TraceCollector> {
  const bodies: string[] = []
  const headers: IncomingHttpHeaders[] = []
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString()
    headers.push(request.headers)
    if (request.url === '/v1/traces') bodies.push(body)
    if (answer !== 'never') response.writeHead(answer, { 'content-type': 'application/json' }).end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const spans = (): ReceivedSpan[] => bodies.flatMap(spansIn)
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received: () => bodies.join('\n'),
    headers: () => headers,
    spans,
    traceWith: (name, traceId) =>
      until(`a span ${name}`, () => {
        const found = spans().find((span) => span.name === name && (traceId ?? span.traceId) === span.traceId)
        return found && spans().filter((span) => span.traceId === found.traceId)
      }),
  }
}

/** As the protocol has it, as far as it is looked at. */
interface Otlp {
  resourceSpans: { scopeSpans: { spans: OtlpSpan[] }[] }[]
}

interface OtlpSpan extends Pick<ReceivedSpan, 'traceId' | 'spanId' | 'name'> {
  parentSpanId?: string
  attributes: { key: string; value: OtlpValue }[]
  status: { code?: number }
  links?: { traceId: string }[]
}

type OtlpValue = Record<string, unknown> & { arrayValue?: { values: OtlpValue[] } }

function spansIn(body: string): ReceivedSpan[] {
  const { resourceSpans } = JSON.parse(body) as Otlp
  const spans = resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((one) => one.spans))
  return spans.map(({ traceId, spanId, parentSpanId = '', name, attributes, status, links = [] }) => ({
    traceId,
    spanId,
    parentSpanId,
    name,
    attributes: Object.fromEntries(attributes.map(({ key, value }) => [key, plainValue(value)])),
    status: status.code ?? 0,
    follows: links.map((link) => link.traceId),
  }))
}

const plainValue = (value: OtlpValue): unknown =>
  value.arrayValue === undefined ? Object.values(value)[0] : value.arrayValue.values.map(plainValue)
