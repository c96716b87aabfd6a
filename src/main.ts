import { type App, startApp } from './composition/app.ts'
import { openAndUpdate } from './composition/database-side.ts'
import { revokeWithoutServer } from './composition/revoking-without-server.ts'
import { readConfig } from './config.ts'
import { visible } from './domain/plain-text.ts'
import { createLogger, type Logger } from './observability/logger.ts'
import { giveBackSpareMemory } from './observability/spare-memory.ts'
import { closeOnSignals, endOnUncaught, endProcess } from './process-end.ts'

/** The token of the printed question: long enough to try things out. */
const TOKEN_TTL_SECONDS = 3600

/** `token-bridge serve`: runs until SIGINT or SIGTERM, or until it cannot go on; a second signal ends at once. */
export async function serve(): Promise<void> {
  const config = readConfig()
  const logger = createLogger(config.logLevel)
  endOnUncaught(logger)
  giveBackSpareMemory()
  const started = startApp(config, logger)
  const isStopping = closeOnSignals({ started, logger, deadlineMs: config.shutdownDeadlineMs })
  const app = await started.catch((error: Error) => {
    process.stderr.write(`token-bridge: ${visible(error.message)}\n`)
    // what was opened until then must not keep the process
    return endProcess(1)
  })
  if (config.tls !== undefined) renewOnHangup(app, logger)
  await app.whenReady()
  if (!isStopping()) await printQuestion(app)
}

/** `token-bridge migrate schema`: changes the tables of the database as this release needs them; no server is needed. */
export async function updateSchema(): Promise<void> {
  const config = readConfig()
  if (config.clickhouse.url === undefined)
    throw new Error('CLICKHOUSE_URL names no server: the embedded engine is kept up to date by the bridge itself')
  const db = await openAndUpdate(config)
  await db.close()
  process.stdout.write(`the tables of ${config.clickhouse.database} are those of this release\n`)
}

/** `token-bridge revoke`, where no server runs: tells how many good tokens of machines the user had made. */
export function revokeOffline(revocation: Parameters<typeof revokeWithoutServer>[2]): Promise<{ made: number }> {
  return revokeWithoutServer(readConfig(), createLogger('silent'), revocation)
}

/** SIGHUP reads the certificate again; the one before stays where that fails. */
function renewOnHangup(app: App, logger: Logger): void {
  process.on('SIGHUP', () => {
    try {
      app.renewCertificate()
      logger.info('the certificate was read again')
    } catch (error) {
      logger.error({ err: error }, 'the certificate cannot be used: the one before stays')
    }
  })
}

/** For people: what was found, and a question that works when it is pasted. Not part of the log, which holds no token. */
async function printQuestion(app: App): Promise<void> {
  const sample = app.isSample()
    ? `No transcripts found in ${app.lookedAt.map(visible).join(', ')}: answering from a small built-in sample, marked as such.\n`
    : ''
  const query =
    '{ tokenMetrics { tokens { input output cacheCreation cacheRead total } costUsd provenance { source sample } } }'
  const { signInUrl } = app
  const token = signInUrl === undefined ? undefined : await app.viewerToken(TOKEN_TTL_SECONDS)
  if (token === undefined)
    return void process.stdout.write(`${sample}Token Bridge answers at ${app.url}/graphql, whoever has a token.\n`)
  process.stdout.write(
    `${sample}Token Bridge answers at ${app.url}/graphql. A browser is signed in, once, by\n${signInUrl}\n` +
      'Ask it (the token lasts an hour):\n' +
      `curl -s ${app.url}/graphql -H 'content-type: application/json' -H 'authorization: Bearer ${token}' -d '${JSON.stringify({ query })}'\n`,
  )
}
