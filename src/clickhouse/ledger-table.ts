import type { LedgerTable } from '../ports/ledger-table.ts'
import type { Database } from './database.ts'
import {
  earlierEpochs,
  FORGET_LEDGER,
  LEDGER_COLUMNS,
  ledgerAfter,
  ledgerHead,
  wholeLedger,
} from './statements/ledger.ts'

export function createLedgerTable(db: Database): LedgerTable {
  const look = db.for('look')
  return {
    append: (row) =>
      db.insert('append-ledger', 'ledger', LEDGER_COLUMNS, [LEDGER_COLUMNS.map((column) => row[column])]),
    async after(mark) {
      const whole = (): Promise<Rows> => db.query(wholeLedger)
      // that may be all there is
      if (mark.epoch === 0) return whole()
      const rows = withoutTwice(await look.query(ledgerAfter, { ...mark }))
      const follow = rows.every(({ epoch, number }, i) => epoch === mark.epoch && number === mark.number + i)
      if (rows.length > 0 && follow) return rows.slice(1)
      // another epoch began, or what follows was put together meanwhile
      const all = await whole()
      const last = all.at(-1)
      return last?.epoch === mark.epoch && last.number <= mark.number ? [] : all
    },
    async head() {
      return (await look.query(ledgerHead))[0] ?? { epoch: 0, number: 0, open: false, fence: 0, holder: '' }
    },
    async forgetEpochsBefore(epoch) {
      for (const { partition } of await db.query(earlierEpochs, { epoch }))
        await db.command('forget-epoch', `ALTER TABLE ledger DROP PARTITION ${partition}`)
    },
    forgetBefore: (mark) => db.command('forget-ledger', FORGET_LEDGER, { ...mark }),
  }
}

type Rows = Awaited<ReturnType<LedgerTable['after']>>

/** Rows in their order, each once. */
const withoutTwice = (rows: Rows): Rows =>
  rows.filter(({ epoch, number }, i) => i === 0 || epoch !== rows[i - 1]?.epoch || number !== rows[i - 1]?.number)
