import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import type { Database } from '../../src/clickhouse/database.ts'
import { createLedgerTable } from '../../src/clickhouse/ledger-table.ts'
import { createRecordStore } from '../../src/clickhouse/record-store.ts'
import { EVERYTHING } from '../../src/domain/scope.ts'
import type { PublishedBatch } from '../../src/ports/record-store.ts'
import { readShared } from '../../src/shipping/shared-ledger.ts'
import { count } from '../support/migration-scene.ts'
import { openSides, removeEngineAfterAll, type TestSides, testDatabase } from '../support/sides.ts'
import { analysisOf, line, makeFolder, totals, wholeOf, writeTranscripts } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

removeEngineAfterAll()

const ALL = { journal: false, transcripts: 'all' } as const

async function scene() {
  const folder = makeFolder()
  const lines = (name: string) => [1, 2, 3].map((i) => line({ id: `msg_${name}_${i}`, session: name }))
  writeTranscripts(folder, { 'p/a.jsonl': lines('a'), 'p/b.jsonl': lines('b') })
  const analysis = analysisOf(folder)
  await analysis.refresh()
  return { folder, analysis, db: await testDatabase(), ledgerOf: (name: string) => join(folder, name) }
}
const recordsOf = async ({ clickhouse }: TestSides): Promise<number> => {
  const { answers } = await clickhouse.answer({
    queries: [{ filter: {}, groupings: [] }],
    access: EVERYTHING,
    quality: false,
  })
  return totals(answers[0]?.whole ?? []).records
}
const shared = (db: Database<string>) => readShared(createLedgerTable(db))

test('the database has what the publisher knows: logs and editions, runs, and how far they are', async () => {
  const { analysis, db, ledgerOf } = await scene()
  const { ledger, ship, rollBack } = await openSides({ analysis, db, ledgerPath: ledgerOf('ledger') })
  const isTold = async (): Promise<void> => {
    await ledger.kept()
    const { facts, ledger: id, changing } = await shared(db)
    expect([...facts.states.values()]).toEqual(ledger.states())
    expect([...facts.migrations.values()]).toEqual(ledger.migrations())
    expect(facts).toMatchObject({ seq: ledger.seq(), generation: ledger.generation(), archived: ledger.archived() })
    expect([id, changing]).toEqual([ledger.id(), undefined])
  }
  await ship(ALL)
  await isTold()
  await rollBack()
  await isTold()
  await ship(ALL)
  await isTold()
})

test('another publisher goes on with it, from another disk: nothing is shipped twice', async () => {
  const { analysis, db, ledgerOf } = await scene()
  const first = await openSides({ analysis, db, ledgerPath: ledgerOf('first') })
  await first.ship(ALL)
  const known = first.ledger.states()
  await first.close()
  const second = await openSides({ analysis, db, ledgerPath: ledgerOf('second') })
  expect(second.ledger.states()).toEqual(known)
  expect(second.ledger.id()).toBe(first.ledger.id())
  await second.ship(ALL)
  expect(await count(db, 'copies')).toBe(6)
  expect((await second.verify(true)).verification).toMatchObject({ difference: '0', logsCompared: 2, surplusLogs: [] })
})

test('a publication that was announced and cut off is carried to its end by whoever comes next', async () => {
  const { analysis, db, ledgerOf } = await scene()
  const first = await openSides({
    analysis,
    db,
    ledgerPath: ledgerOf('first'),
    wrapStore: (store) => ({ ...store, publish: () => Promise.reject(new Error('cut off')) }),
  })
  void first.ship(ALL)
  await until('the publication', () => (first.problems.length > 0 ? true : undefined))
  await first.close()
  expect((await shared(db)).changing).toMatchObject({ change: { kind: 'publish' } })
  const second = await openSides({ analysis, db, ledgerPath: ledgerOf('second') })
  expect((await shared(db)).changing).toBeUndefined()
  expect(await recordsOf(second)).toBe(6)
  await second.ship(ALL)
  expect(await count(db, 'copies')).toBe(6)
})

test('what a publisher whose clock was ahead had still on its way counts less than what others publish after it', async () => {
  const { analysis, db, ledgerOf, folder } = await scene()
  const late: [readonly PublishedBatch[], number][] = []
  const { now } = Date
  const clock = vi.spyOn(Date, 'now').mockImplementation(() => now() + 3_600_000)
  const first = await openSides({
    analysis,
    db,
    ledgerPath: ledgerOf('first'),
    wrapStore: (store) => ({
      ...store,
      publish(batches, seq) {
        late.push([batches, seq])
        return Promise.reject(new Error('cut off'))
      },
    }),
  })
  void first.ship(ALL)
  await until('the publication', () => (first.problems.length > 0 ? true : undefined))
  await first.close()
  clock.mockRestore()
  const second = await openSides({ analysis, db, ledgerPath: ledgerOf('second') })
  // it began before the right was taken, and comes to its end now
  for (const [batches, seq] of late) await createRecordStore(db, Number.MAX_SAFE_INTEGER).publish([...batches], seq)
  appendFileSync(
    join(folder, 'projects', 'p', 'a.jsonl'),
    `${line({ id: 'msg_a_1', session: 'a', usage: { output_tokens: 500 } })}\n`,
  )
  await analysis.refresh()
  await second.ship(ALL)
  const { answers } = await second.clickhouse.answer({
    queries: [{ filter: {}, groupings: [] }],
    access: EVERYTHING,
    quality: false,
  })
  expect(totals(answers[0]?.whole ?? [])).toEqual(wholeOf(analysis))
  expect((await second.verify(true)).verification).toMatchObject({ difference: '0' })
})

test('a database that was given back, older than the ledger, is told what the ledger knows', async () => {
  const { analysis, db, ledgerOf } = await scene()
  const first = await openSides({ analysis, db, ledgerPath: ledgerOf('ledger') })
  await first.ship(ALL)
  await first.close()
  await db.command('harm', 'TRUNCATE TABLE ledger')
  const again = await openSides({ analysis, db, ledgerPath: ledgerOf('ledger') })
  expect([...(await shared(db)).facts.states.values()]).toEqual(again.ledger.states())
  expect(again.ledger.states().map(({ records }) => records)).toEqual([3, 3])
})
