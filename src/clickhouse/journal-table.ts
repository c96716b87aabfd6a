import type { JournalTable } from '../ports/journal-table.ts'
import type { Database } from './database.ts'
import { JOURNAL_COLUMNS, journalSigns } from './statements/journals.ts'

export function createJournalTable(db: Database): JournalTable {
  const looks = db.for('look')
  return {
    async look() {
      const [{ now, signs } = NOTHING] = await looks.query(journalSigns)
      return {
        now,
        signs: signs.map(([journal, instance, beat, pending, ended]) => ({ journal, instance, beat, pending, ended })),
      }
    },
    tell: ({ journal, instance, beat, pending, ended }) =>
      looks.insert('tell-journal', 'journals', JOURNAL_COLUMNS, [
        [journal, instance, new Date(beat).toISOString(), pending, ended],
      ]),
  }
}

const NOTHING = { now: 0, signs: [] }
