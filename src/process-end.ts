import type { Logger } from './observability/logger.ts'

/** Milliseconds for what is closed after the requests: the group that is being shipped, the index, the engine. */
const SHUTDOWN_GRACE_MS = 10_000

/**
 * Ends this process now, whatever its threads are at: `process.exit` waits for them, and the embedded engine can be at
 * one statement for a minute; and as the first process of a container it cannot kill itself by a signal. So another
 * program takes its place, which does nothing but end: no handler runs, and the kernel takes back threads, files,
 * ports and locks.
 */
export function endProcess(code: number): never {
  process.execve?.(process.execPath, [process.execPath, '--eval', `process.exit(${code})`], {})
  // only where the system has no execve
  process.exit(code)
}

/** An error that nobody expected ends the process, with one line in the log: nobody knows what still holds. */
export function endOnUncaught(logger: Logger): void {
  // a rejection that nobody handles comes here, too
  process.on('uncaughtException', (error, origin) => {
    try {
      logger.fatal({ err: error, origin }, 'an unexpected error: the process ends')
    } finally {
      endProcess(1)
    }
  })
}

/** Something that starts, and can be closed once it has. */
export interface Starting {
  started: Promise<{ close(): Promise<void> }>
  logger: Logger
  /** How long a shutdown may take for what is in flight; then it gets a little more for the rest. */
  deadlineMs: number
}

/**
 * SIGINT and SIGTERM close it, also while it is still starting; a second signal, and a shutdown that hangs, end the
 * process at once. Exit code 0 if it was closed, else 1. Returns whether that has begun.
 */
export function closeOnSignals({ started, logger, deadlineMs }: Starting): () => boolean {
  let stopping = false
  const stop = (signal: string): void => {
    if (stopping) endProcess(1)
    stopping = true
    logger.info({ signal }, 'shutting down')
    const graceMs = deadlineMs + SHUTDOWN_GRACE_MS
    setTimeout(() => {
      logger.fatal({ afterMs: graceMs }, 'the shutdown hangs: the process ends without it')
      endProcess(1)
    }, graceMs)
    started
      .then((app) => app.close())
      .then(
        () => {
          logger.info('stopped')
          process.exit(0)
        },
        (error: Error) => {
          logger.fatal({ err: error }, 'the shutdown failed')
          endProcess(1)
        },
      )
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  return () => stopping
}
