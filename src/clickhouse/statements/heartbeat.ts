import { z } from 'zod'

export const BEAT = 'INSERT INTO heartbeats (epoch) VALUES ({epoch:UInt64})'
export const RELEASE = 'INSERT INTO heartbeats (epoch, released) VALUES ({epoch:UInt64}, true)'

const OF_LATEST = 'FROM heartbeats WHERE epoch = (SELECT max(epoch) FROM fences)'

/** Who has the right to publish, and for how long they did not tell that they are alive. */
export const currentHolder = {
  name: 'current-holder' as const,
  sql: `
    SELECT
      holder,
      (SELECT max(released) ${OF_LATEST}) AS released,
      dateDiff('millisecond', greatest(taken, (SELECT max(beat) ${OF_LATEST})), now64(3, 'UTC')) AS silent
    FROM fences ORDER BY epoch DESC, holder LIMIT 1`,
  row: z
    .object({ holder: z.string(), released: z.coerce.boolean(), silent: z.string().transform(Number) })
    .transform(({ silent: silentMs, ...rest }) => ({ ...rest, silentMs })),
}
