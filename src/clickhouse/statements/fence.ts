import { z } from 'zod'

/**
 * True while nobody has taken a later epoch than the one of whoever sends the statement. It stands in the statement
 * itself, which sees one snapshot: nobody can take an epoch between the look and the change.
 */
export const FENCED = '{epoch:UInt64} >= (SELECT max(epoch) FROM fences)'

/** Takes the next epoch: statements of every earlier holder publish nothing from then on. */
export const takeFence = `INSERT INTO fences (epoch, holder) SELECT max(epoch) + 1, {holder:String} FROM fences`

/** The current epoch, and who took it; the first of two that took the same one. */
export const currentFence = {
  name: 'current-fence',
  sql: 'SELECT epoch, min(holder) AS holder FROM fences GROUP BY epoch ORDER BY epoch DESC LIMIT 1',
  row: z.object({ epoch: z.string().transform(Number), holder: z.string() }),
}
