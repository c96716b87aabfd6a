import type { RunControl } from '../migration/run-control.ts'
import type { Stock } from '../migration/stock.ts'
import type { Logger } from '../observability/logger.ts'
import type { Shipper } from '../shipping/shipper.ts'

/** So many places of refused records are logged for each log. */
const MAX_PLACES = 10

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
