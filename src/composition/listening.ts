import type { Config } from '../config.ts'
import { createSchema } from '../graphql/schema.ts'
import type { Certificate } from '../http/certificate.ts'
import { createHttpServer, type HttpServer } from '../http/server.ts'
import type { Logger } from '../observability/logger.ts'
import { createMetrics, type Metrics } from '../observability/metrics.ts'
import { createChanges } from '../reading/changes.ts'
import { overdueFlags } from '../rollout/flag-list.ts'
import { type OpenBudgets, openBudgets } from './budgets.ts'
import { readKnownOperations } from './known-operations.ts'
import { createLosses } from './losses.ts'
import { openMetricsPort } from './metrics-port.ts'
import { createRequests } from './requests.ts'
import type { Sides } from './sides.ts'
import { createStanding } from './standing.ts'

const metricsOf = ({ legacy, database, audit, shadow, risk, figures, health }: Sides): Metrics =>
  createMetrics({
    analysis: legacy.status,
    migration: () => database.current()?.runs().report(),
    audit: audit.figures,
    overdue: () => overdueFlags(Date.now()),
    shadow: shadow.figures,
    risk: risk.latest,
    answers: figures.answers,
    dependencies: figures.dependencies,
    service: figures.service(health),
  })

/** It can be asked. */
export interface Listening extends Pick<HttpServer, 'renew'> {
  url: string
  close(): Promise<void>
}

function contextsOf(
  sides: Sides,
  { migrationProgressThreshold: threshold }: Config,
  budgets: OpenBudgets,
): ReturnType<typeof createRequests> {
  const { journal } = sides.wayIn
  const losses = createLosses(journal, sides.database, sides.otherJournals)
  const changes = createChanges({
    standing: createStanding({ ...sides, losses }),
    standingOf: sides.writing.preferences.of,
    whenCurrent: journal.whenCurrent,
  })
  return createRequests({ ...sides, budgets, changes, threshold, losses })
}

/** Lets everybody in. */
export async function listen(
  sides: Sides,
  config: Config,
  certificate: Certificate | undefined,
  logger: Logger,
): Promise<Listening> {
  const { legacy } = sides
  const { journal } = sides.wayIn
  let closing = false
  const metrics = metricsOf(sides)
  const budgets = openBudgets(config, metrics.rateLimited)
  const http: HttpServer = await createHttpServer({
    schema: await createSchema(),
    introspection: config.introspection,
    logger,
    metrics: sides.risk.operations.watch(metrics),
    budgets,
    answered: { known: readKnownOperations(config.knownOperations), onlyKnown: config.onlyKnownOperations },
    authenticate: sides.access.authenticate,
    known: sides.access.known,
    // the name that it listens under is one that it is asked under
    allowedHosts: [...config.allowedHosts, config.host.toLowerCase()],
    corsOrigins: config.corsOrigins,
    loopbackOrigins: config.loopbackOrigins,
    signIn: sides.access.signIn,
    tls: certificate,
    trustedProxies: config.trustedProxies,
    whenCurrent: journal.whenCurrent,
    maxSockets: config.maxSockets,
    onSocket: sides.figures.noteSocket,
    audit: sides.audit.log,
    isIsolated: sides.isolation.isIsolated,
    keptResponseBytes: sides.reading.responseBytes,
    tracer: sides.tracing.tracer,
    createContext: contextsOf(sides, config, budgets),
    readiness() {
      const { state, detail } = legacy.health()
      if (sides.isolation.isIsolated()) return { ready: false, detail: 'isolated' }
      return closing ? { ready: false, detail: 'shutting down' } : { ready: state !== 'DOWN', detail }
    },
  })
  sides.isolation.events.on('isolated', () => http.sendAway('the bridge is isolated'))
  const url = await http.listen(config.host, config.port)
  const { authenticate } = sides.access
  const told = { metrics, audit: sides.audit.log, isIsolated: sides.isolation.isIsolated, authenticate }
  const metricsPort = await openMetricsPort(config, certificate, told, logger).catch(async (error: Error) => {
    await http.close(0)
    throw error
  })
  return {
    url,
    renew(renewed) {
      http.renew(renewed)
      metricsPort?.renew(renewed)
    },
    async close() {
      closing = true
      await metricsPort?.close()
      await http.close(config.shutdownDeadlineMs)
      budgets.close()
    },
  }
}
