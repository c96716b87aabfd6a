import { z } from 'zod'

const number = z.string().transform(Number)

export const LEDGER_COLUMNS = ['epoch', 'number', 'whole', 'open', 'entry'] as const

const ROW = z.object({ epoch: number, number, entry: z.string() })

/** All that counts: of the latest epoch, from the last entry on that stands for everything before it. */
export const wholeLedger = {
  name: 'whole-ledger' as const,
  sql: `
    WITH (SELECT max((epoch, if(whole, number, 0))) FROM ledger) AS last
    SELECT epoch, number, entry FROM ledger FINAL
    WHERE epoch = last.1 AND number >= last.2
    ORDER BY number`,
  row: ROW,
}

/**
 * An entry, without what it says, and whatever was written after it. It is asked several times a second: what is simple
 * takes half of the processor's time that looking for the latest epoch takes. A row may come twice.
 */
export const ledgerAfter = {
  name: 'ledger-after' as const,
  sql: `
    SELECT epoch, number, if(epoch = {epoch:UInt64} AND number = {number:UInt64}, '', entry) AS text
    FROM ledger
    WHERE epoch > {epoch:UInt64} OR epoch = {epoch:UInt64} AND number >= {number:UInt64}
    ORDER BY epoch, number`,
  row: z
    .object({ epoch: number, number, text: z.string() })
    .transform(({ text, ...mark }): z.infer<typeof ROW> => ({ ...mark, entry: text })),
}

/** By the order of the table: it reads the last rows alone. */
export const ledgerHead = {
  name: 'ledger-head' as const,
  sql: `
    SELECT epoch, number, open, (SELECT max((epoch, holder)) FROM fences) AS fence
    FROM ledger ORDER BY epoch DESC, number DESC LIMIT 1`,
  row: z
    .object({ epoch: number, number, open: z.boolean(), fence: z.tuple([number, z.string()]) })
    .transform(({ fence: [fence, holder], ...last }) => ({ ...last, fence, holder })),
}

/** Partitions of earlier epochs. */
export const earlierEpochs = {
  name: 'earlier-epochs' as const,
  sql: `
    SELECT DISTINCT partition FROM system.parts
    WHERE database = currentDatabase() AND table = 'ledger' AND active AND toUInt64(partition) < {epoch:UInt64}`,
  row: z.object({ partition: z.string().regex(/^\d+$/) }),
}

export const FORGET_LEDGER = 'ALTER TABLE ledger DELETE WHERE (epoch, number) < ({epoch:UInt64}, {number:UInt64})'
