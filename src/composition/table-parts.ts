import type { Database } from '../clickhouse/database.ts'
import { mostParts } from '../clickhouse/statements/parts.ts'
import { HEALTH_EVERY_MS } from '../policies/policies.ts'

/** The most parts that a partition of a table has. */
export interface TableParts {
  table: string
  parts: number
}

/** Looks how many parts tables have, as often as the database is asked how it is. Where it may not, nobody knows. */
export function watchParts(db: Database): { latest(): readonly TableParts[]; close(): void } {
  const looks = db.for('look')
  let latest: readonly TableParts[] = []
  const look = (): void => {
    looks.query(mostParts).then(
      (found) => {
        latest = found
      },
      // health says so
      () => {
        latest = []
      },
    )
  }
  look()
  const timer = setInterval(look, HEALTH_EVERY_MS)
  timer.unref()
  return { latest: () => latest, close: () => clearInterval(timer) }
}
