import { randomInt } from 'node:crypto'
import { z } from 'zod'

/**
 * True while nobody has taken a later epoch than the one of whoever sends the statement. It stands in the statement
 * itself, which sees one snapshot: nobody can take an epoch between the look and the change.
 */
export const FENCED = '{epoch:UInt64} >= (SELECT max(epoch) FROM fences)'

/** Takes an epoch: statements of every earlier holder publish nothing from then on. */
export const TAKE_FENCE = 'INSERT INTO fences (epoch, holder) VALUES ({epoch:UInt64}, {holder:String})'

/** Epochs come in steps: two who take the next step at the same time have different epochs of it, by chance. */
const EPOCH_STEP = 2 ** 32

/** An epoch after `current` that nobody else takes: 2,000,000 of them are exact in a JavaScript number. */
export const epochAfter = (current: number): number =>
  (Math.floor(current / EPOCH_STEP) + 1) * EPOCH_STEP + randomInt(EPOCH_STEP)

/** The current epoch, and who took it. */
export const currentFence = {
  name: 'current-fence' as const,
  sql: 'SELECT epoch, holder FROM fences ORDER BY epoch DESC, holder LIMIT 1',
  row: z.object({ epoch: z.string().transform(Number), holder: z.string() }),
}
