import type { RunControl } from '../migration/run-control.ts'
import type { Stock } from '../migration/stock.ts'
import type { Logger } from '../observability/logger.ts'
import type { ShippableLogs } from '../ports/logs.ts'
import type { LedgerFacts } from '../shipping/ledger.ts'
import type { Shared } from '../shipping/ledger-sharing.ts'
import type { Shipper } from '../shipping/shipper.ts'

/** So many places of refused records are logged for each log. */
const MAX_PLACES = 10

/** Whose word counts of what is published, where the data folder and the database do not say the same. */
export async function logLedger(
  logger: Logger,
  took: Shared,
  ledger: LedgerFacts,
  logs: Pick<ShippableLogs, 'archived'>,
): Promise<void> {
  if (took === 'same') return
  const published = ledger.states().filter(({ publishedTo }) => publishedTo > 0).length
  const counts = { logs: published, notOnThisDisk: (await logs.archived()).length }
  if (took === 'file') logger.warn(counts, 'the database is older than the data folder: it was given back')
  else logger.info(counts, 'the data folder is new, or older than the database: what the database has goes on')
}

export function logStock(logger: Logger, stock: Stock): void {
  for (const what of stock.mended) logger.warn({ what }, 'the database lacked what was published to it')
  if (stock.lostRecords > 0) logger.error(stock, 'published records are lost: restore a backup')
}

export function logShipping(logger: Logger, { events }: Shipper): void {
  events.on('problem', (error) => logger.warn({ err: error }, 'shipping stopped for a while'))
  events.on('setAside', (refused) => {
    const places = refused.map(({ key, positions }) => ({
      log: key,
      count: positions.length,
      first: positions.slice(0, MAX_PLACES),
    }))
    logger.error({ places }, 'ClickHouse refuses records at these places: they are counted from the files alone')
  })
}

export function logRuns(logger: Logger, { events }: RunControl): void {
  events.on('alarm', (alarm) => logger.warn({ alarm }, 'the migration is past a line'))
  events.on('changed', ({ id, state, error }) =>
    logger[state === 'FAILED' ? 'error' : 'info']({ migration: id, state, error }, 'migration'),
  )
}
