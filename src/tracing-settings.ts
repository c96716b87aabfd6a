import type { z } from 'zod'
import type { TracingOptions } from './observability/tracing/otlp.ts'
import { httpUrl, inFile, matching, oneOf, share, text } from './setting-schemas.ts'

// The settings of traces, by the names that OpenTelemetry gives them everywhere: rows of `SETTINGS`, and what they come to.

const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const

export const TRACING_SETTINGS = {
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    schema: httpUrl('OTEL_EXPORTER_OTLP_ENDPOINT'),
    fallback: 'none',
    about:
      'collector that traces are sent to over HTTP as JSON, at `/v1/traces` below it, such as `http://127.0.0.1:4318`; where neither this nor one of the two after it is set, nothing is recorded (docs/watching.md)',
  },
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: {
    schema: httpUrl('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'),
    fallback: 'none',
    about: 'the whole address instead',
  },
  OTEL_TRACES_EXPORTER: {
    schema: matching(/^(otlp|none)$/, 'OTEL_TRACES_EXPORTER must be otlp or none'),
    fallback: '`otlp` where there is an endpoint',
    about: '`otlp`, without an endpoint to `http://127.0.0.1:4318`; `none` records nothing',
  },
  OTEL_EXPORTER_OTLP_HEADERS: {
    schema: matching(
      /^[^=,\s]+=[^,]*(,\s*[^=,\s]+=[^,]*)*$/,
      'OTEL_EXPORTER_OTLP_HEADERS must be name=value, comma-separated',
    ),
    fallback: 'none',
    about:
      'headers that are sent along, `name=value`, comma-separated, values percent-encoded; a secret, that no log tells',
  },
  OTEL_EXPORTER_OTLP_HEADERS_FILE: inFile('OTEL_EXPORTER_OTLP_HEADERS'),
  OTEL_SERVICE_NAME: { schema: text, fallback: '`token-bridge`', about: 'name that traces show' },
  OTEL_TRACES_SAMPLER: {
    schema: oneOf('OTEL_TRACES_SAMPLER', SAMPLERS, 'parentbased_always_on'),
    fallback: '`parentbased_always_on`',
    about: `what is recorded, one of ${SAMPLERS.join(', ')}`,
  },
  OTEL_TRACES_SAMPLER_ARG: {
    schema: share('OTEL_TRACES_SAMPLER_ARG', 1),
    fallback: '1',
    about: 'share of traces, for the samplers with `traceidratio`',
  },
  OTEL_SDK_DISABLED: {
    schema: matching(/^(true|false)$/i, 'OTEL_SDK_DISABLED must be true or false'),
    fallback: '`false`',
    about: '`true` records nothing, whatever else is set',
  },
} as const

type Shape = { [Name in keyof typeof TRACING_SETTINGS]: (typeof TRACING_SETTINGS)[Name]['schema'] }
type Settings = z.output<z.ZodObject<Shape>>

const DEFAULT_ENDPOINT = 'http://127.0.0.1:4318'

/** `undefined` where nothing is to be recorded. */
export function tracingOf(settings: Settings): TracingOptions | undefined {
  const exporter = settings.OTEL_TRACES_EXPORTER
  if (settings.OTEL_SDK_DISABLED?.toLowerCase() === 'true' || exporter === 'none') return undefined
  const base = settings.OTEL_EXPORTER_OTLP_ENDPOINT ?? (exporter === 'otlp' ? DEFAULT_ENDPOINT : undefined)
  const url = settings.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? (base && `${base.replace(/\/$/, '')}/v1/traces`)
  if (url === undefined) return undefined
  return {
    url,
    headers: headersIn(settings.OTEL_EXPORTER_OTLP_HEADERS),
    serviceName: settings.OTEL_SERVICE_NAME ?? 'token-bridge',
    sampler: settings.OTEL_TRACES_SAMPLER,
    share: settings.OTEL_TRACES_SAMPLER_ARG,
  }
}

function headersIn(list = ''): Record<string, string> {
  const parts = list.split(',').filter((part) => part.includes('='))
  return Object.fromEntries(
    parts.map((part) => {
      const at = part.indexOf('=')
      return [part.slice(0, at).trim(), decoded(part.slice(at + 1).trim())]
    }),
  )
}

/** A value that was not encoded may have a `%` in it. */
function decoded(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}
