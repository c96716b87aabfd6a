import { expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'https://traces.example:4318' }
const tracingOf = (settings: Record<string, string>) => readConfig(settings).tracing

test('traces are sent where an exporter is set alone', () => {
  expect(tracingOf({})).toBeUndefined()
  expect(tracingOf({ OTEL_SERVICE_NAME: 'bridge', OTEL_TRACES_SAMPLER: 'always_on' })).toBeUndefined()
  expect(tracingOf({ ...ENDPOINT, OTEL_SDK_DISABLED: 'TRUE' })).toBeUndefined()
  expect(tracingOf({ ...ENDPOINT, OTEL_TRACES_EXPORTER: 'none' })).toBeUndefined()
  expect(tracingOf(ENDPOINT)).toEqual({
    url: 'https://traces.example:4318/v1/traces',
    headers: {},
    serviceName: 'token-bridge',
    sampler: 'parentbased_always_on',
    share: 1,
  })
  expect(tracingOf({ OTEL_TRACES_EXPORTER: 'otlp' })?.url).toBe('http://127.0.0.1:4318/v1/traces')
})

test('the endpoint of all signals has a path of traces below it, that of traces is the whole address', () => {
  const url = (OTEL_EXPORTER_OTLP_ENDPOINT: string) => tracingOf({ OTEL_EXPORTER_OTLP_ENDPOINT })?.url
  expect(url('https://traces.example/otlp/')).toBe('https://traces.example/otlp/v1/traces')
  expect(tracingOf({ ...ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://other.example/x' })?.url).toBe(
    'https://other.example/x',
  )
})

test('headers are decoded, and one that was not encoded is taken as it is', () => {
  const headers = (OTEL_EXPORTER_OTLP_HEADERS: string) =>
    tracingOf({ ...ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS })?.headers
  expect(headers('authorization=Basic%20abc=, x-team=a b')).toEqual({ authorization: 'Basic abc=', 'x-team': 'a b' })
  expect(headers('x=100%')).toEqual({ x: '100%' })
})

test.each([
  ['OTEL_EXPORTER_OTLP_ENDPOINT', 'traces.example:4318'],
  ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'https://somebody:hush@traces.example'],
  ['OTEL_EXPORTER_OTLP_HEADERS', 'hush'],
  ['OTEL_TRACES_EXPORTER', 'zipkin'],
  ['OTEL_TRACES_SAMPLER', 'often'],
  ['OTEL_TRACES_SAMPLER_ARG', '2'],
  ['OTEL_SDK_DISABLED', 'yes'],
])('%s may not be %s', (name, value) => {
  expect(() => readConfig({ [name]: value })).toThrow(`${name} must`)
  if (value.includes('hush')) expect(() => readConfig({ [name]: value })).not.toThrow('hush')
})
