import type { LedgerTable } from '../ports/ledger-table.ts'
import type { Database } from './database.ts'
import { earlierEpochs, FORGET_LEDGER, LEDGER_COLUMNS, ledgerAfter, ledgerHead } from './statements/ledger.ts'

export function createLedgerTable(db: Database): LedgerTable {
  const look = db.for('look')
  return {
    append: (row) =>
      db.insert('append-ledger', 'ledger', LEDGER_COLUMNS, [LEDGER_COLUMNS.map((column) => row[column])]),
    async after(mark) {
      // where nothing is known yet, that may be all there is
      const rows = await (mark.epoch === 0 ? db : look).query(ledgerAfter, { ...mark })
      const [first] = rows
      if (first === undefined || first.epoch !== mark.epoch || first.number === mark.number + 1) return rows
      // what follows was put together meanwhile
      return db.query(ledgerAfter, { epoch: 0, number: 0 })
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
