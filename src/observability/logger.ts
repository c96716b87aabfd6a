import { type DestinationStream, type Logger, pino } from 'pino'

export type { Logger }

/**
 * Structured logs on stderr. No secret and no content in any line: requests are logged by method, path and
 * status alone, and these keys are blotted out wherever they turn up.
 */
export function createLogger(level: string, destination: DestinationStream = standardError()): Logger {
  const secret = ['authorization', 'cookie', 'token', 'secret', 'password', 'query', 'variables']
  return pino(
    {
      name: 'token-bridge',
      level,
      serializers: {
        err: pino.stdSerializers.err,
        req: (request: { method?: string; url?: string }) => ({
          method: request.method,
          path: request.url?.split('?', 1)[0],
        }),
        res: (reply: { statusCode?: number }) => ({ status: reply.statusCode }),
      },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: {
        paths: secret.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]),
        censor: '[redacted]',
      },
    },
    destination,
  )
}

/** Lines are written in the background, but the last one of a process is on its way out before it ends. */
function standardError(): DestinationStream {
  return pino.multistream(
    [
      { level: 'trace', stream: pino.destination(2) },
      { level: 'fatal', stream: pino.destination({ dest: 2, sync: true }) },
    ],
    { dedupe: true },
  )
}
