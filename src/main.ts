import { type App, startApp } from './app.ts'
import { readConfig } from './config.ts'
import { visible } from './domain/visible-text.ts'
import { createLogger } from './observability/logger.ts'

/** The token of the printed question: long enough to try things out. */
const TOKEN_TTL_SECONDS = 3600

/** `token-bridge serve`: runs until SIGINT or SIGTERM; a second signal ends at once. */
export async function serve(): Promise<void> {
  const config = readConfig()
  const logger = createLogger(config.logLevel)
  const app = await startApp(config, logger)
  logger.info({ url: app.url }, 'listening')
  let stopping = false
  const stop = (signal: string): void => {
    if (stopping) process.exit(1)
    stopping = true
    logger.info({ signal }, 'shutting down')
    app.close().then(
      () => process.exit(0),
      (error: Error) => {
        logger.error({ err: error }, 'the shutdown failed')
        process.exit(1)
      },
    )
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  await app.whenReady()
  if (!stopping) await printQuestion(app)
}

/** For people: what was found, and a question that works when it is pasted. Not part of the log, which holds no token. */
async function printQuestion(app: App): Promise<void> {
  const token = await app.viewerToken(TOKEN_TTL_SECONDS)
  const sample = app.isSample()
    ? `No transcripts found in ${app.lookedAt.map(visible).join(', ')}: answering from a small built-in sample, marked as such.\n`
    : ''
  const query =
    '{ tokenMetrics { tokens { input output cacheCreation cacheRead total } costUsd provenance { source sample } } }'
  process.stdout.write(
    `${sample}Token Bridge answers at ${app.url}/graphql. Ask it (the token lasts an hour):\n` +
      `curl -s ${app.url}/graphql -H 'content-type: application/json' -H 'authorization: Bearer ${token}' -d '${JSON.stringify({ query })}'\n`,
  )
}
