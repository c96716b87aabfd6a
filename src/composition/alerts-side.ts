import type { Config } from '../config.ts'
import type { Logger } from '../observability/logger.ts'
import { createTroubleLog, type TroubleLog } from '../observability/trouble-log.ts'
import type { AlertTarget } from '../ports/alert-target.ts'
import { type Alerts, createAlerts } from '../risk/alerts.ts'
import { noteDaily, type Values, valuesAt } from '../risk/daily-values.ts'
import { createDeliveries } from '../risk/deliveries.ts'
import { createSightings } from '../risk/sightings.ts'
import type { SteadyClock } from '../risk/steady-clock.ts'
import type { RiskWatch } from '../risk/watch.ts'
import type { AlertTargetName } from '../risk-settings.ts'
import { againAndAgain } from '../turns/again-and-again.ts'
import { createSlack, createWebhook } from '../webhooks/targets.ts'
import type { GuardSide } from './guard.ts'
import type { NamedComponent } from './health.ts'
import { instanceOf } from './instance.ts'
import type { StateSide } from './shared-state.ts'
import type { WayIn } from './way-in.ts'

/** Alerts and their incidents. */
export interface AlertsSide extends Pick<Alerts, 'all' | 'acknowledge' | 'resolve'> {
  /** What indicators came to on this instance by some moment. */
  valuesAt(moment: number): { at: number; values: Values } | undefined
  close(): Promise<void>
}

export interface AlertsSideOptions {
  config: Config
  wayIn: Pick<WayIn, 'journal'>
  state: Pick<StateSide, 'events'>
  guard: Pick<GuardSide, 'state' | 'isKnown'>
  watch: Pick<RiskWatch, 'latest'>
  health: () => readonly NamedComponent[]
  clock: SteadyClock
  logger: Logger
}

/** Between two looks: the guard is told as fast. */
const STEP_MS = 1000
const END_MS = 1000
/** What the log says. */
const TOLD = {
  opened: 'an alert was opened',
  worsened: 'an alert is worse than it was',
  escalated: 'nobody has acknowledged an alert: it went up a level',
  closed: 'an alert is over',
}

export function openAlertsSide(options: AlertsSideOptions): AlertsSide {
  const { config, wayIn, state, guard, watch, health, clock, logger } = options
  const { now } = clock
  const instance = instanceOf(config.dataDir)
  const beganAt = now()
  const { journal } = wayIn
  const unkept = createTroubleLog(logger, 'what happened to alerts cannot be journaled now', 'it can be journaled')
  const alerts = createAlerts({
    journal,
    instance,
    now,
    onUnkept: unkept.failed,
    onChanged: (event, { id, name, severity, level, message, runbook }) =>
      logger[event === 'closed' ? 'info' : 'warn']({ alert: name, id, severity, level, message, runbook }, TOLD[event]),
  })
  state.events.on('state', (entry) => {
    if (entry.kind !== 'alert') return
    // after a start, too, this instance does not say something before what it said last
    if (entry.instance === instance) clock.notBefore(entry.at)
    alerts.remember(entry)
  })
  const targets = config.risk.targets.map(({ name, url }) => MAKERS[name](url))
  const troubles = new Map(targets.map(({ name }) => [name, troublesOf(name, logger)]))
  const deliveries = createDeliveries({
    alerts,
    targets,
    instance,
    now,
    onFailed: (target, error) => troubles.get(target)?.failed(error),
    onSent: (target) => troubles.get(target)?.over(),
  })
  const sightings = createSightings(alerts, instance, now)
  const look = async (): Promise<void> => {
    if (!journal.isRead()) return
    deliveries.begin()
    const seen = guard.isKnown() ? guard.state() : undefined
    sightings.look({ indicators: watch.latest(), components: health(), guard: seen })
    alerts.escalate()
    noteDaily(alerts, { instance, beganAt }, now(), watch.latest())
    await alerts.keep()
  }
  const logged = createTroubleLog(logger, 'alerts cannot be looked after', 'they can be looked after')
  const stops = [
    againAndAgain(() => look().then(logged.over, logged.failed), STEP_MS),
    // whoever is told may take long: nobody waits for it
    againAndAgain(() => deliveries.step().then(alerts.keep), STEP_MS),
  ]
  return {
    all: alerts.all,
    valuesAt: (moment) => valuesAt(alerts, instance, moment),
    acknowledge: alerts.acknowledge,
    resolve: alerts.resolve,
    close: async () => void (await Promise.all(stops.map((stop) => stop(END_MS)))),
  }
}

const troublesOf = (target: string, logger: Logger): TroubleLog =>
  createTroubleLog(logger, 'an alert could not be sent: it is tried again', 'alerts can be sent again', { target })

const MAKERS: Record<AlertTargetName, (url: string) => AlertTarget> = { webhook: createWebhook, slack: createSlack }
