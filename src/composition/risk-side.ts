import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import type { Logger } from '../observability/logger.ts'
import { createTroubleLog } from '../observability/trouble-log.ts'
import { type Entered, readEntered } from '../risk/entered.ts'
import { createSteadyClock, type SteadyClock } from '../risk/steady-clock.ts'
import { createRiskWatch, type RiskWatch } from '../risk/watch.ts'
import { againAndAgain } from '../turns/again-and-again.ts'
import { type AlertsSide, type AlertsSideOptions, openAlertsSide } from './alerts-side.ts'
import { createRiskMeasures, type RiskMeasuresOptions } from './risk-measures.ts'
import { type WatchedIngests, type WatchedOperations, watchIngests, watchOperations } from './risk-observed.ts'

/** What is watched, and what it says. */
export interface RiskSide extends RiskWatch {
  ingests: Pick<WatchedIngests, 'watch'>
  operations: Pick<WatchedOperations, 'watch'>
  now(): number
  alerts: Pick<AlertsSide, 'all' | 'acknowledge' | 'resolve' | 'valuesAt'>
  close(): Promise<void>
}

export interface RiskSideOptions
  extends Pick<RiskMeasuresOptions, 'database' | 'reading' | 'flags' | 'access' | 'audit' | 'shadow'>,
    Omit<AlertsSideOptions, 'watch' | 'clock'> {
  clock?: SteadyClock
}

const EVALUATE_MS = 60_000
const LOOK_MS = 5000
/** How long the end waits for what is being measured. */
const END_MS = 1000
const NOTHING_ENTERED: Entered = { figures: {}, mistakes: [] }

export function openRiskSide({ clock = createSteadyClock(), ...options }: RiskSideOptions): RiskSide {
  const { config, logger } = options
  const { now } = clock
  const [ingests, operations] = [watchIngests(now), watchOperations(now)]
  const { measures, look } = createRiskMeasures({ ...options, ingests, operations, now })
  const entered = createEntered(config.risk.figuresFile, logger)
  const watch = createRiskWatch({
    measures,
    entered: entered.read,
    now,
    onFailed: (indicator, err) => logger.debug({ indicator, err }, 'an indicator of risk cannot be measured now'),
  })
  const alerts = openAlertsSide({ ...options, clock, watch })
  const stop = againAndAgain(async () => void (await watch.evaluate()), EVALUATE_MS)
  const looking = setInterval(look, LOOK_MS)
  looking.unref()
  return {
    ...watch,
    ingests,
    operations,
    alerts,
    now,
    async close() {
      clearInterval(looking)
      await alerts.close()
      await stop(END_MS)
    },
  }
}

/** What stands in the file now; what is wrong with it is logged once. */
function createEntered(path: string | undefined, logger: Logger) {
  const troubles = createTroubleLog(logger, 'figures that are entered cannot be read', 'they can be read', { path })
  return {
    async read(): Promise<Entered['figures']> {
      if (path === undefined) return NOTHING_ENTERED.figures
      try {
        const { figures, mistakes } = readEntered(await readFigures(path), Date.now())
        if (mistakes.length > 0) troubles.failed(new Error(mistakes.join('; ')))
        else troubles.over()
        return figures
      } catch (error) {
        troubles.failed(error)
        return NOTHING_ENTERED.figures
      }
    },
  }
}

/** A larger file holds something else. */
const MAX_BYTES = 1 << 20

/** A pipe in its place is not waited for. */
async function readFigures(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const stat = await file.stat()
    if (!stat.isFile()) throw new Error('it is no file')
    if (stat.size > MAX_BYTES) throw new Error('it has more than 1 MiB')
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}
