import type { RunControl } from '../migration/run-control.ts'
import type { Stock } from '../migration/stock.ts'
import type { Logger } from '../observability/logger.ts'
import { createTroubleLog } from '../observability/trouble-log.ts'
import type { ShippableLogs } from '../ports/logs.ts'
import type { LedgerFacts } from '../shipping/ledger.ts'
import type { Shared } from '../shipping/ledger-sharing.ts'
import type { Shipper } from '../shipping/shipper.ts'
import type { FillingTold } from '../shipping/sums-filling.ts'

/** So many places of refused records are logged for each log. */
const MAX_PLACES = 10

/** Whose word counts of what is published, where data folder, database and transcripts are not what they were. */
export async function logLedger(
  logger: Logger,
  took: Shared,
  ledger: LedgerFacts,
  logs: Pick<ShippableLogs, 'archived' | 'elsewhere'>,
  isTakeOver: boolean,
): Promise<void> {
  const published = ledger.states().filter(({ publishedTo }) => publishedTo > 0).length
  const otherFiles = await logs.elsewhere()
  const counts = { logs: published, otherFiles, notOnThisDisk: (await logs.archived()).length }
  if (took === 'same') {
    if (otherFiles > 0) logger.info(counts, 'transcripts are other files than were registered: known by their content')
  } else if (took === 'file') logger.warn(counts, 'the database is older than the data folder: it was given back')
  else if (isTakeOver) logger.info(counts, 'what another instance has published goes on')
  else logger.info(counts, 'the data folder is new, or older than the database: what the database has goes on')
}

export function logStock(logger: Logger, stock: Stock): void {
  for (const what of stock.mended) logger.warn({ what }, 'the database lacked what was published to it')
  if (stock.lostRecords > 0) logger.error(stock, 'published records are lost: restore a backup')
}

export function logShipping(logger: Logger, { events }: Shipper): void {
  const troubles = createTroubleLog(logger, 'shipping stopped for a while', 'shipping goes on')
  events.on('problem', troubles.failed)
  events.on('published', () => troubles.over())
  events.on('setAside', (refused) => {
    const places = refused.map(({ key, positions }) => ({
      log: key,
      count: positions.length,
      first: positions.slice(0, MAX_PLACES),
    }))
    logger.error({ places }, 'ClickHouse refuses records at these places: they are counted from the files alone')
  })
}

/** A database of a release before this one, whose records are summed once. */
export function logFilling(logger: Logger): FillingTold {
  const troubles = createTroubleLog(logger, 'summing what is published stopped for a while', 'summing goes on')
  return {
    begun: () => logger.info('what is published is summed, once: until then answers are slower'),
    step: troubles.over,
    done: () => logger.info('what is published is summed: answers are made of sums'),
    failed: troubles.failed,
  }
}

export function logRuns(logger: Logger, { events }: RunControl): void {
  events.on('alarm', (alarm) => logger.warn({ alarm }, 'the migration is past a line'))
  events.on('changed', ({ id, state, error }) =>
    logger[state === 'FAILED' ? 'error' : 'info']({ migration: id, state, error }, 'migration'),
  )
}
