import { NO_TRACER } from '../../ports/spans.ts'
import type { Logger } from '../logger.ts'
import type { Tracing, TracingOptions } from './otlp.ts'

const OFF: Tracing = { tracer: NO_TRACER, close: async () => undefined }

/** OpenTelemetry's SDK is loaded here, and only where traces are to be sent. */
export async function openTracing(options: TracingOptions | undefined, logger: Logger): Promise<Tracing> {
  if (options === undefined) return OFF
  const { openOtlp } = await import('./otlp.ts')
  return openOtlp(options, logger)
}
