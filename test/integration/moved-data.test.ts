import { appendFileSync, copyFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ALL, BOB, copies, disk, GROWTH, logged, RECORDS, recordsOf, told } from '../support/disks.ts'
import { openSides, removeEngineAfterAll, type TestSides, testDatabase } from '../support/sides.ts'
import { line, writeTranscripts } from '../support/transcripts.ts'

removeEngineAfterAll()

describe('the data folder and the database', () => {
  async function published() {
    const one = disk()
    const db = await testDatabase()
    const ledgerPath = join(one.folder, 'ledger')
    const analysis = await one.analysis()
    const sides = await openSides({ analysis, db, ledgerPath })
    await sides.ship(ALL)
    const grow = async (to: TestSides): Promise<void> => {
      appendFileSync(one.path('p/a.jsonl'), GROWTH)
      writeTranscripts(one.folder, { 'q/new.jsonl': [line({ id: 'msg_new', session: 'new' })] })
      await analysis.refresh()
      await to.ship(ALL)
    }
    const reopen = async () => {
      const { logger, lines } = logged()
      const again = await openSides({ analysis: await one.analysis(), db, ledgerPath, logger })
      return { again, lines }
    }
    const exact = async (again: TestSides, records: number): Promise<void> => {
      await again.ship(ALL)
      expect(await recordsOf(again.clickhouse)).toBe(records)
      expect(await told(again.clickhouse)).toEqual(await told(again.legacy))
      expect((await again.verify(true)).verification).toMatchObject({ difference: '0', surplusLogs: [] })
    }
    return { ...one, db, ledgerPath, sides, grow, reopen, exact }
  }

  test('lost: what the database has goes on, and nothing is carried again', async () => {
    const { db, ledgerPath, sides, reopen, exact } = await published()
    await sides.close()
    rmSync(ledgerPath)
    const { again, lines } = await reopen()
    expect(lines()).toEqual(['the data folder is new, or older than the database: what the database has goes on'])
    await exact(again, RECORDS)
    expect(await copies(db)).toBe(RECORDS + 1)
  })

  test('moved with the transcripts to another disk: their bytes show what they are', async () => {
    const { db, ledgerPath, sides, copy } = await published()
    await sides.close()
    const { logger, lines } = logged()
    const again = await openSides({ analysis: await copy().analysis(BOB), db, ledgerPath, logger })
    expect(lines()).toEqual(['transcripts are other files than were registered: known by their content'])
    await again.ship(ALL)
    expect(await copies(db)).toBe(RECORDS + 1)
  })

  test('given back older than the database: the same', async () => {
    const { db, ledgerPath, sides, grow, reopen, exact } = await published()
    copyFileSync(ledgerPath, `${ledgerPath}.older`)
    await grow(sides)
    await sides.close()
    copyFileSync(`${ledgerPath}.older`, ledgerPath)
    const { again, lines } = await reopen()
    expect(lines()).toEqual(['the data folder is new, or older than the database: what the database has goes on'])
    await exact(again, RECORDS + 2)
    expect(await copies(db)).toBe(RECORDS + 3)
  })

  test('a database that was given back older: only what it lacks is carried again', async () => {
    const { db, sides, grow, reopen, exact } = await published()
    const tables = ['copies', 'batches', 'winners', 'winners_by_time', 'winners_summed', 'winners_filled', 'ledger']
    for (const table of tables) {
      await db.command('save', `CREATE TABLE ${table}_saved AS ${table}`)
      await db.command('save', `INSERT INTO ${table}_saved SELECT * FROM ${table}`)
    }
    await grow(sides)
    await sides.close()
    for (const table of tables) {
      await db.command('give-back', `TRUNCATE TABLE ${table}`)
      await db.command('give-back', `INSERT INTO ${table} SELECT * FROM ${table}_saved`)
      await db.command('give-back', `DROP TABLE ${table}_saved SYNC`)
    }
    const { again, lines } = await reopen()
    expect(lines()).toEqual([
      'the database is older than the data folder: it was given back',
      'the database lacked what was published to it',
    ])
    expect(again.stock().mended).toEqual(['the database is older than the ledger: 2 logs go on from where it has them'])
    await exact(again, RECORDS + 2)
    expect(await copies(db)).toBe(RECORDS + 3)
  })
})
