import { expect, test } from 'vitest'
import type { Database } from '../../src/clickhouse/database.ts'
import { createJournalTable } from '../../src/clickhouse/journal-table.ts'
import { createLedgerTable } from '../../src/clickhouse/ledger-table.ts'
import { applySchemaChanges } from '../../src/clickhouse/schema-changes.ts'
import type { LedgerRow } from '../../src/ports/ledger-table.ts'

/** What every table of a ledger must tell. */
export function ledgerSuite(open: () => Promise<Database<string>>): void {
  const scene = async () => {
    const db = await open()
    await applySchemaChanges(db)
    const table = createLedgerTable(db)
    const write = async (epoch: number, number: number, given: Partial<LedgerRow> = {}): Promise<void> =>
      table.append({ epoch, number, whole: false, open: false, entry: `${epoch}.${number}`, ...given })
    const after = async (epoch: number, number: number): Promise<string[]> =>
      (await table.after({ epoch, number })).map(({ entry }) => entry)
    return { db, table, write, after }
  }

  test('a ledger tells what follows on an entry, each once and in order', async () => {
    const { write, after } = await scene()
    expect(await after(0, 0)).toEqual([])
    expect(await after(5, 1)).toEqual([])
    await write(5, 1, { whole: true })
    for (const number of [2, 4, 3, 3]) await write(5, number)
    expect(await after(0, 0)).toEqual(['5.1', '5.2', '5.3', '5.4'])
    expect(await after(5, 2)).toEqual(['5.3', '5.4'])
    expect(await after(5, 4)).toEqual([])
  })

  test('where another publisher has begun, or what follows is gone, a ledger tells all that counts', async () => {
    const { db, table, write, after } = await scene()
    await write(5, 1, { whole: true })
    for (const number of [2, 3]) await write(5, number)
    await write(5, 4, { whole: true })
    await write(5, 5)
    await table.forgetBefore({ epoch: 5, number: 4 })
    await expect.poll(() => after(5, 1)).toEqual(['5.4', '5.5'])
    expect(await after(5, 3)).toEqual(['5.4', '5.5'])
    expect(await after(5, 4)).toEqual(['5.5'])
    await write(9, 5, { whole: true })
    await write(9, 6)
    expect(await after(5, 5)).toEqual(['9.5', '9.6'])
    expect(await after(9, 5)).toEqual(['9.6'])
    await db.command('give-back', 'ALTER TABLE ledger DELETE WHERE epoch = 9 SETTINGS mutations_sync = 2')
    expect(await after(9, 6)).toEqual(['5.4', '5.5'])
  })

  test('entries that are gone after the last one that is known say nothing', async () => {
    const { db, write, after } = await scene()
    await write(5, 1, { whole: true })
    for (const number of [2, 3]) await write(5, number)
    await db.command('lose', 'ALTER TABLE ledger DELETE WHERE number = 3 SETTINGS mutations_sync = 2')
    expect(await after(5, 3)).toEqual([])
  })

  test('the head of a ledger says who took the right to publish last, and where its last entry stands', async () => {
    const { db, table, write } = await scene()
    expect(await table.head()).toEqual({ epoch: 0, number: 0, open: false, fence: 0, holder: '' })
    await write(5, 1, { whole: true })
    expect(await table.head()).toMatchObject({ epoch: 5, number: 1, open: false, fence: 0, holder: '' })
    await write(5, 2, { open: true })
    await db.command('take', "INSERT INTO fences (epoch, holder) VALUES (5, 'b'), (7, 'a'), (6, 'c')")
    expect(await table.head()).toEqual({ epoch: 5, number: 2, open: true, fence: 7, holder: 'a' })
  })

  test('a look at journals tells the time of the database where nobody has told anything', async () => {
    const { db } = await scene()
    const { now, signs } = await createJournalTable(db).look()
    expect(signs).toEqual([])
    expect(Math.abs(now - Date.now())).toBeLessThan(60_000)
  })
}
