import { appendFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ALL, ANN, BOB, copies, disk, GROWTH, logged, RECORDS, recordsOf, textOf, told } from '../support/disks.ts'
import { openSides, removeEngineAfterAll, testDatabase } from '../support/sides.ts'
import { line } from '../support/transcripts.ts'

removeEngineAfterAll()

describe('another instance with a copy of the transcripts', () => {
  test('answers the same from ClickHouse, from the files and from both, while a run is half way and after it', async () => {
    const first = disk()
    const sides = await openSides({
      analysis: await first.analysis(),
      db: await testDatabase(),
      ledgerPath: join(first.folder, 'ledger'),
    })
    const names = await sides.parts.logs.registrations('new')
    sides.ledger.register(names)
    await sides.parts.logs.update(names)
    const other = await sides.readAlong(await first.copy().analysis(BOB))
    const alike = async (): Promise<void> => {
      const expected = await told(sides.legacy)
      for (const source of [other.legacy, sides.hybrid, other.hybrid]) expect(await told(source)).toEqual(expected)
    }
    await alike()
    for (const { key, relativePath } of names) {
      const { to = 0 } = (await sides.parts.logs.catalogue()).find((log) => log.key === key) ?? {}
      await sides.ship({
        journal: false,
        transcripts: new Map([[key, relativePath.startsWith('q') ? to : Math.floor(to / 2)]]),
      })
      await alike()
    }
    await sides.ship(ALL)
    await other.update(sides.ledger.states())
    await alike()
    expect(await told(other.clickhouse)).toEqual(await told(sides.legacy))
    expect(other.unshippedBytes()).toBe(0)
    expect(textOf(await told(other.clickhouse))).not.toContain(BOB.host)
  })

  test('goes on when the first is gone: nothing is carried again, and what grows is shipped', async () => {
    const first = disk()
    const db = await testDatabase()
    const before = await openSides({ analysis: await first.analysis(), db, ledgerPath: join(first.folder, 'ledger') })
    await before.ship(ALL)
    await before.close()
    const shipped = await copies(db)
    const second = first.copy()
    const { logger, lines } = logged()
    const analysis = await second.analysis(BOB)
    const after = await openSides({ analysis, db, ledgerPath: join(second.folder, 'ledger'), logger })
    expect(lines()).toEqual(['the data folder is new, or older than the database: what the database has goes on'])
    await after.ship(ALL)
    expect(await copies(db)).toBe(shipped)
    appendFileSync(second.path('p/a.jsonl'), GROWTH)
    await analysis.refresh()
    await after.ship(ALL)
    expect(await copies(db)).toBe(shipped + 1)
    expect(await told(after.clickhouse)).toEqual(await told(after.legacy))
    const { verification } = await after.verify(true)
    expect(verification).toMatchObject({ difference: '0', logsCompared: 3, surplusLogs: [], archivedTokens: '0' })
    // and back again
    await after.close()
    appendFileSync(first.path('p/a.jsonl'), GROWTH)
    const again = await openSides({ analysis: await first.analysis(), db, ledgerPath: join(first.folder, 'ledger') })
    await again.ship(ALL)
    expect(await copies(db)).toBe(shipped + 1)
    expect(await recordsOf(again.clickhouse)).toBe(RECORDS + 1)
  })

  test('goes on in the middle of a log', async () => {
    const first = disk()
    const db = await testDatabase()
    const before = await openSides({ analysis: await first.analysis(), db, ledgerPath: join(first.folder, 'ledger') })
    const [one] = await before.parts.logs.catalogue()
    await before.ship({ journal: false, transcripts: new Map([[one?.key ?? '', Math.floor((one?.to ?? 0) / 2)]]) })
    await before.close()
    const second = first.copy()
    const after = await openSides({
      analysis: await second.analysis(BOB),
      db,
      ledgerPath: join(second.folder, 'ledger'),
    })
    await after.ship(ALL)
    expect(await copies(db)).toBe(RECORDS + 1)
    expect(await told(after.clickhouse)).toEqual(await told(after.legacy))
  })

  test('takes no file for a log that has other content, though both have the same path, size, beginning and end', async () => {
    const lines = Array.from({ length: 60 }, (_, i) => line({ id: `msg_m_${i}`, session: 'm' }))
    const changed = lines.map((text, i) => (i === 30 ? text.replace('msg_m_30', 'msg_m_XX') : text))
    const first = disk({ 'p/m.jsonl': lines })
    const db = await testDatabase()
    const sides = await openSides({ analysis: await first.analysis(), db, ledgerPath: join(first.folder, 'ledger') })
    await sides.ship(ALL)
    const second = disk({ 'p/m.jsonl': changed })
    const other = await sides.readAlong(await second.analysis())
    expect(other.unshippedBytes()).toBeGreaterThan(0)
    // what the first has stays counted, and what this one has counts, too
    expect(await recordsOf(other.hybrid)).toBe(61)
    await sides.close()
    const after = await openSides({ analysis: await second.analysis(), db, ledgerPath: join(second.folder, 'ledger') })
    await after.ship(ALL)
    expect(await recordsOf(after.clickhouse)).toBe(61)
    const shipped = await copies(db)
    await after.close()
    // each of them is known again wherever it stands
    const again = await openSides({ analysis: await first.analysis(), db, ledgerPath: join(first.folder, 'ledger') })
    await again.ship(ALL)
    expect(await copies(db)).toBe(shipped)
  })

  test('knows a log under another name, within its project and in another one', async () => {
    const first = disk()
    const db = await testDatabase()
    const sides = await openSides({ analysis: await first.analysis(), db, ledgerPath: join(first.folder, 'ledger') })
    await sides.ship(ALL)
    const second = first.copy()
    renameSync(second.path('p/a.jsonl'), second.path('p/renamed.jsonl'))
    renameSync(second.path('p/b.jsonl'), second.path('q/b.jsonl'))
    const analysis = await second.analysis(BOB)
    const other = await sides.readAlong(analysis)
    expect(other.unshippedBytes()).toBe(0)
    const expected = await told(sides.clickhouse)
    for (const source of [other.legacy, other.hybrid]) expect(await told(source)).toEqual(expected)
    const shipped = await copies(db)
    await sides.close()
    const after = await openSides({ analysis, db, ledgerPath: join(second.folder, 'ledger') })
    appendFileSync(second.path('p/renamed.jsonl'), GROWTH)
    await analysis.refresh()
    await after.ship(ALL)
    expect(await copies(db)).toBe(shipped + 1)
    expect(await recordsOf(after.clickhouse)).toBe(RECORDS + 1)
  })

  test('that names another owner takes no log of somebody else for its own', async () => {
    const first = disk()
    const db = await testDatabase()
    const sides = await openSides({
      analysis: await first.analysis({ ...ANN, isLabelled: true }),
      db,
      ledgerPath: join(first.folder, 'ledger'),
    })
    await sides.ship(ALL)
    const labelled = await sides.readAlong(await first.copy().analysis({ ...BOB, isLabelled: true }))
    expect(labelled.unshippedBytes()).toBeGreaterThan(0)
    expect(textOf(await told(labelled.legacy))).toContain(BOB.host)
    const unlabelled = await sides.readAlong(await first.copy().analysis(BOB))
    expect(unlabelled.unshippedBytes()).toBe(0)
  })

  test('whose copy lags behind answers what the database has, and goes on when the rest is there', async () => {
    const first = disk()
    const db = await testDatabase()
    const analysis = await first.analysis()
    const sides = await openSides({ analysis, db, ledgerPath: join(first.folder, 'ledger') })
    await sides.ship(ALL)
    const second = first.copy()
    const behind = await second.analysis(BOB)
    const other = await sides.readAlong(behind)
    appendFileSync(first.path('p/a.jsonl'), GROWTH)
    await analysis.refresh()
    await sides.ship(ALL)
    await other.update(sides.ledger.states())
    expect(await recordsOf(other.hybrid)).toBe(RECORDS + 1)
    expect(other.unshippedBytes()).toBe(0)
    appendFileSync(second.path('p/a.jsonl'), GROWTH)
    await behind.refresh()
    expect(await told(other.legacy)).toEqual(await told(sides.legacy))
    await other.prove()
    expect(other.unshippedBytes()).toBe(0)
  })
})
