import {
  type Attributes,
  type Context,
  type Tracer as OtelTracer,
  ROOT_CONTEXT,
  SpanKind,
  type SpanOptions,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api'
import { ExportResultCode, parseTraceParent } from '@opentelemetry/core'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources'
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import { BridgeError } from '../../domain/errors.ts'
import { VERSION } from '../../domain/version.ts'
import type { Beginning, Span, SpanFacts, SpanName, Tracer } from '../../ports/spans.ts'
import type { Logger } from '../logger.ts'
import { createTroubleLog } from '../trouble-log.ts'

/** Who records traces, and sends them away. */
export interface Tracing {
  tracer: Tracer
  /** Sends what is left, for a few seconds at most. */
  close(): Promise<void>
}

export interface TracingOptions {
  /** The whole address. */
  url: string
  /** Secrets. */
  headers: Readonly<Record<string, string>>
  serviceName: string
  /** As `OTEL_TRACES_SAMPLER` names it. */
  sampler: string
  /** Of traces, for the samplers that take a share. */
  share: number
}

/** Spans that wait for the collector, some two megabytes at most: what is more is dropped. */
const WAITING_SPANS = 4096
const SENT_AT_ONCE = 512
const SEND_AFTER_MS = 1000
/** What a collector gets for one batch, with all its tries. */
const SEND_MS = 5000
/** The end waits so long at most for what is left. */
const END_MS = 3000

/** Records spans, and sends them to a collector in the background: whoever answers never waits for it. */
export function openOtlp({ url, headers, serviceName, sampler, share }: TracingOptions, logger: Logger): Tracing {
  const exporter = new OTLPTraceExporter({ url, headers: { ...headers }, timeoutMillis: SEND_MS })
  const processor = new BatchSpanProcessor({
    exporter: watched(exporter, logger),
    maxQueueSize: WAITING_SPANS,
    maxExportBatchSize: SENT_AT_ONCE,
    scheduledDelayMillis: SEND_AFTER_MS,
    exportTimeoutMillis: 2 * SEND_MS,
  })
  const named = resourceFromAttributes({ 'service.name': serviceName, 'service.version': VERSION })
  const provider = new TracerProvider({
    sampler: samplerOf(sampler, share),
    resource: defaultResource().merge(named),
    spanProcessors: [processor],
  })
  return {
    tracer: tracerOf(provider.getTracer('token-bridge', VERSION)),
    async close() {
      const { promise: late, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, END_MS)
      await Promise.race([provider.shutdown().catch(() => undefined), late])
      clearTimeout(timer)
    },
  }
}

/** Logs that the collector is away, once. What it says is not told: it may repeat a header. */
function watched(exporter: SpanExporter, logger: Logger): SpanExporter {
  const trouble = createTroubleLog(
    logger,
    'traces cannot be sent: those that find no room are dropped',
    'traces can be sent again',
  )
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        if (result.code === ExportResultCode.SUCCESS) trouble.over()
        else trouble.failed(new BridgeError('SOURCE_UNAVAILABLE', reasonOf(result.error)))
        done(result)
      }),
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.(),
  }
}

/** A code of the network, such as `ECONNREFUSED`, or the status of the answer. */
function reasonOf(error: Error | undefined): string {
  const { code } = { ...error } as { code?: unknown }
  if (typeof code === 'number') return `the collector answers with the status ${code}`
  return typeof code === 'string' ? `the collector cannot be reached: ${code}` : 'the collector takes nothing'
}

function samplerOf(name: string, share: number): Sampler {
  const root = rootSamplerOf(name.replace('parentbased_', ''), share)
  return name.startsWith('parentbased_') ? new ParentBasedSampler({ root }) : root
}

function rootSamplerOf(name: string, share: number): Sampler {
  if (name === 'always_off') return new AlwaysOffSampler()
  return name === 'traceidratio' ? new TraceIdRatioBasedSampler(share) : new AlwaysOnSampler()
}

const tracerOf = (otel: OtelTracer): Tracer => ({
  begin(name, { traceparent, sinceMs = 0, facts = {}, follows = [] }: Beginning = {}) {
    const span = otel.startSpan(
      name,
      {
        kind: name === 'ship' ? SpanKind.INTERNAL : SpanKind.SERVER,
        attributes: attributesOf(facts),
        links: follows.map((place) => ({ context: { ...place, traceFlags: TraceFlags.SAMPLED } })),
        ...(sinceMs > 0 && { startTime: Date.now() - sinceMs }),
      },
      contextFrom(traceparent),
    )
    return span.isRecording() ? spanOf(otel, span) : undefined
  },
})

/** Where another program says what this is a part of. What is no such header says nothing. */
function contextFrom(traceparent: string | undefined): Context {
  const parent = traceparent === undefined ? null : parseTraceParent(traceparent)
  // `tracestate` may hold anything: it is left alone
  return parent === null ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, { ...parent, isRemote: true })
}

type OtelSpan = ReturnType<OtelTracer['startSpan']>

function spanOf(otel: OtelTracer, span: OtelSpan, isOver = () => !span.isRecording()): Span {
  const context = trace.setSpan(ROOT_CONTEXT, span)
  const { traceId, spanId } = span.spanContext()
  return {
    place: { traceId, spanId },
    child: (name, facts = {}) => spanOf(otel, otel.startSpan(name, partOf(name, facts), context), isOver),
    tell: (facts) => void span.setAttributes(attributesOf(facts)),
    end(error) {
      if (error !== undefined) {
        span.setAttribute('error.type', error)
        span.setStatus({ code: SpanStatusCode.ERROR })
      }
      span.end()
    },
    isOver,
  }
}

/** A statement is a call to another program, as those who show traces draw it. */
const partOf = (name: SpanName, facts: SpanFacts): SpanOptions =>
  name.startsWith('statement ')
    ? { kind: SpanKind.CLIENT, attributes: { 'db.system.name': 'clickhouse', ...attributesOf(facts) } }
    : { attributes: attributesOf(facts) }

/** What the conventions of OpenTelemetry have a name for; everything else is ours. */
const NAMES: Partial<Record<keyof SpanFacts, string>> = {
  method: 'http.request.method',
  route: 'http.route',
  status: 'http.response.status_code',
  operation: 'graphql.operation.type',
}

function attributesOf(facts: SpanFacts): Attributes {
  const named = Object.entries(facts).map(([fact, value]) => [
    NAMES[fact as keyof SpanFacts] ?? `token_bridge.${snake(fact)}`,
    value,
  ])
  return Object.fromEntries(named)
}

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
