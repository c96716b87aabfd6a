import { count } from '../domain/counted.ts'
import type { ShippableLogs } from '../ports/logs.ts'
import type { SourceHealth } from '../ports/token-source.ts'
import type { DatabaseLosses } from '../shipping/shared-entries.ts'
import type { PublishingSide } from './publishing-side.ts'

/** `url`: absent where the engine is embedded. */
export function publishingHealth(
  { shipper, stock, ledger }: PublishingSide,
  logs: ShippableLogs,
  url: string | undefined,
): SourceHealth {
  const problem = shipper.problem()
  if (problem !== undefined) return { state: 'DEGRADED', detail: problem }
  const lost = lossesHealth(stock.latest())
  if (lost !== undefined) return lost
  const setAside = ledger.states().reduce((sum, state) => sum + (state.setAside?.length ?? 0), 0)
  if (setAside > 0)
    return {
      state: 'DEGRADED',
      detail: `ClickHouse refused records at ${count(setAside, 'place')}: they are counted from the files`,
    }
  const where = url === undefined ? 'embedded' : new URL(url).host
  return { state: 'UP', detail: `${where}, ${count(logs.unshippedBytes(), 'byte')} of logs not shipped` }
}

/** `undefined` where nothing is lost. */
export function lossesHealth({ lostLogs, lostRecords }: DatabaseLosses): SourceHealth | undefined {
  if (lostLogs.length === 0) return undefined
  return {
    state: 'DEGRADED',
    detail: `batches or copies of ${count(lostLogs.length, 'archived log')} are gone, ${count(lostRecords, 'record')} with them: token-bridge migrate restore NAME brings back those of a backup`,
  }
}
