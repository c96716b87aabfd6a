import { BridgeError } from '../../domain/errors.ts'
import { LIMITS } from '../../domain/limits.ts'
import type { TokenQuery } from '../../domain/token-query.ts'

/** Sums over the table that are never refused: those of a view of 5 filters, the whole and 5 sections of each. */
const ALWAYS = 5 * (1 + 5)

/** Refuses what would keep the thread busy for long, as nothing that comes later is counted until it has ended. */
export function assertAffordable(rows: number, queries: readonly TokenQuery[]): void {
  const passes = queries.reduce((sum, { groupings, sessions }) => sum + 1 + groupings.length + (sessions ? 1 : 0), 0)
  if (passes <= ALWAYS || rows * passes <= LIMITS.summedRecords.value) return
  throw new BridgeError(
    'QUERY_TOO_EXPENSIVE',
    // how many records there are is not for everybody to know
    `${passes} sums over all records are more than one operation may ask for: ask for fewer filters or sections`,
  )
}
