import { z } from 'zod'

const number = z.string().transform(Number)

export const LEDGER_COLUMNS = ['epoch', 'number', 'whole', 'open', 'entry'] as const

const LATEST = '(SELECT max(epoch) FROM ledger)'
/** The last entry that stands for everything before it. */
const WHOLE = `(SELECT max(number) FROM ledger WHERE whole AND epoch = ${LATEST})`

const ROW = z.object({ epoch: number, number, entry: z.string() })

/** What follows on an entry of the latest epoch; all that counts, where it is of an earlier one. */
export const ledgerAfter = {
  name: 'ledger-after',
  sql: `
    SELECT epoch, number, entry FROM ledger FINAL
    WHERE epoch = ${LATEST} AND number >= if(epoch = {epoch:UInt64}, {number:UInt64} + 1, ${WHOLE})
    ORDER BY number`,
  row: ROW,
}

/** By the order of the table: it reads the last rows alone. */
export const ledgerHead = {
  name: 'ledger-head',
  sql: `
    SELECT
      epoch, number, open,
      (SELECT max(epoch) FROM fences) AS fence,
      (SELECT argMax(holder, epoch) FROM fences) AS holder
    FROM ledger ORDER BY epoch DESC, number DESC LIMIT 1`,
  row: z.object({ epoch: number, number, open: z.boolean(), fence: number, holder: z.string() }),
}

/** Partitions of earlier epochs. */
export const earlierEpochs = {
  name: 'earlier-epochs',
  sql: `
    SELECT DISTINCT partition FROM system.parts
    WHERE database = currentDatabase() AND table = 'ledger' AND active AND toUInt64(partition) < {epoch:UInt64}`,
  row: z.object({ partition: z.string().regex(/^\d+$/) }),
}

export const FORGET_LEDGER = 'ALTER TABLE ledger DELETE WHERE (epoch, number) < ({epoch:UInt64}, {number:UInt64})'
