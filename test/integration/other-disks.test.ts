// The same transcripts on another disk: other inodes, another path, another user and host.

import { appendFileSync, copyFileSync, cpSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import type { Database } from '../../src/clickhouse/database.ts'
import type { Grouping } from '../../src/domain/dimensions.ts'
import { EVERYTHING } from '../../src/domain/scope.ts'
import type { TokenQuery } from '../../src/domain/token-query.ts'
import type { Analysis } from '../../src/enhanced-analysis/analysis.ts'
import { createLogger } from '../../src/observability/logger.ts'
import type { TokenSource } from '../../src/ports/token-source.ts'
import { count } from '../support/migration-scene.ts'
import { openSides, removeEngineAfterAll, type TestSides, testDatabase } from '../support/sides.ts'
import { analysisOf, line, makeFolder, totals, writeTranscripts } from '../support/transcripts.ts'

removeEngineAfterAll()

const ALL = { journal: false, transcripts: 'all' } as const
const GROUPINGS: Grouping[] = [['host'], ['user'], ['project'], ['session']]
const QUESTION: TokenQuery = { filter: {}, groupings: GROUPINGS, sessions: true, countSessions: true }

/** Three transcripts; two of them have a line that is equal in both, so that its place alone decides which one counts. */
const FILES = {
  'p/a.jsonl': [1, 2, 3].map((i) => line({ id: `msg_a_${i}`, session: 'a' })),
  'p/b.jsonl': [line({ id: 'msg_both', session: 'b' }), line({ id: 'msg_b', session: 'b' })],
  'q/c.jsonl': [line({ id: 'msg_c', session: 'c' }), line({ id: 'msg_both', session: 'c' })],
}
const RECORDS = 7 - 1
const GROWTH = `${line({ id: 'msg_later', session: 'a' })}\n`
const ANN = { user: 'ann', host: 'laptop' }
const BOB = { user: 'bob', host: 'aardvark' }

function disk(files: Record<string, readonly string[]> = FILES) {
  const folder = makeFolder()
  writeTranscripts(folder, files)
  return diskIn(folder)
}
function diskIn(folder: string) {
  return {
    folder,
    path: (name: string) => join(folder, 'projects', name),
    /** A copy of it: every file has another number. */
    copy() {
      const other = makeFolder()
      cpSync(join(folder, 'projects'), join(other, 'projects'), { recursive: true })
      return diskIn(other)
    },
    async analysis(owner: { user: string; host: string; isLabelled?: boolean } = ANN): Promise<Analysis> {
      const analysis = analysisOf(folder, { owner })
      await analysis.refresh()
      return analysis
    },
  }
}

/** Everything that is told, in one order. */
async function told(source: TokenSource): Promise<unknown> {
  const { answers } = await source.answer({ queries: [QUESTION], access: EVERYTHING, quality: false })
  const [answer] = answers
  const sorted = <T>(list: readonly T[] | undefined): string[] => (list ?? []).map((one) => textOf(one)).sort()
  return {
    whole: totals(answer?.whole ?? []),
    sessions: sorted(answer?.sessions),
    groups: Object.entries(answer?.groups ?? {}).map(([name, list]) => [name, sorted(list)]),
  }
}
const textOf = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? String(part) : part))

/** A logger, and what it was told. */
function logged() {
  const lines: { level: number; msg: string }[] = []
  const sink = new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)))
      done()
    },
  })
  return { logger: createLogger('info', sink), lines: () => lines.map(({ msg }) => msg) }
}

const copies = (db: Database) => count(db, 'copies')
const recordsOf = async (source: TokenSource): Promise<number> =>
  ((await told(source)) as { whole: { records: number } }).whole.records

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
    const tables = ['copies', 'batches', 'winners', 'ledger']
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
