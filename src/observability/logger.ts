import { type DestinationStream, type Logger, pino, type SerializedError } from 'pino'
import { clip } from '../domain/clip.ts'
import { visibleJson } from '../domain/plain-text.ts'

export type { Logger }

/** Messages echo what was sent, which may be long. */
const MAX_MESSAGE = 500
const MAX_STACK = 5000

/**
 * Structured logs on stderr. No secret and no content in any line: requests are logged by method, path and
 * status alone, and these keys are blotted out wherever they turn up.
 */
export function createLogger(level: string, destination?: DestinationStream): Logger {
  const secret = ['authorization', 'cookie', 'token', 'secret', 'password', 'query', 'variables']
  return pino(
    {
      name: 'token-bridge',
      level,
      serializers: {
        err: (error: Error) => clipped(pino.stdSerializers.err(error)),
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
    destination === undefined ? standardError() : harmless(destination),
  )
}

function clipped(error: SerializedError): SerializedError {
  return { ...error, message: clip(error.message, MAX_MESSAGE), stack: clip(error.stack, MAX_STACK) }
}

/** JSON leaves some characters as they are that a terminal obeys. */
function harmless(destination: DestinationStream): DestinationStream {
  return { write: (line) => destination.write(visibleJson(line)) }
}

/** Lines are written in the background, but the last one of a process is on its way out before it ends. */
function standardError(): DestinationStream {
  return pino.multistream(
    [
      { level: 'trace', stream: harmless(pino.destination(2)) },
      { level: 'fatal', stream: harmless(pino.destination({ dest: 2, sync: true })) },
    ],
    { dedupe: true },
  )
}
