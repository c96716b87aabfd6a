import type { Database } from './database.ts'
import { countCopies } from './statements/rebuild-winners.ts'

/** Copies whose winners are chosen in one statement: some hundred bytes each in memory. */
const SLICE_COPIES = 2_000_000

/** In how many parts the winners of all copies are chosen. */
export async function sliceCount(db: Database): Promise<number> {
  const [counted] = await db.query(countCopies)
  return Math.max(1, Math.ceil((counted?.copies ?? 0) / SLICE_COPIES))
}
