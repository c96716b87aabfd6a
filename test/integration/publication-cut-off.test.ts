import { join } from 'node:path'
import { expect, test } from 'vitest'
import { EVERYTHING } from '../../src/domain/scope.ts'
import { NO_LOG } from '../../src/shipping/shared-entries.ts'
import { openSides, removeEngineAfterAll, testDatabase } from '../support/sides.ts'
import { analysisOf, line, makeFolder, totals, writeTranscripts } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

removeEngineAfterAll()

test('a publication that was cut off between noting its batches and choosing winners is carried to its end, not taken for a loss', async () => {
  const folder = makeFolder()
  writeTranscripts(folder, { 'p/a.jsonl': [line({ id: 'msg_a' }), line({ id: 'msg_b' })] })
  const analysis = analysisOf(folder)
  await analysis.refresh()
  const db = await testDatabase()
  const ledgerPath = join(folder, 'ledger')
  const first = await openSides({
    analysis,
    db,
    ledgerPath,
    wrapStore: (store) => ({
      ...store,
      async publish(batches, seq) {
        await store.publish(batches, seq)
        await db.command('harm', 'TRUNCATE TABLE winners')
        throw new Error('cut off')
      },
    }),
  })
  void first.ship({ journal: false, transcripts: 'all' })
  await until('the publication', () => (first.problems.length > 0 ? true : undefined))
  await first.close()

  const again = await openSides({ analysis, db, ledgerPath })
  expect(again.stock()).toMatchObject({ mended: [], lostRecords: 0 })
  expect(again.ledger.unsettled()).toBeUndefined()
  const { answers } = await again.clickhouse.answer({
    queries: [{ filter: {}, groupings: [] }],
    access: EVERYTHING,
    quality: false,
  })
  expect(totals(answers[0]?.whole ?? []).records).toBe(2)
})

test('a change that failed is carried out before any other one, and nobody reads until it is', async () => {
  const folder = makeFolder()
  writeTranscripts(folder, { 'p/a.jsonl': [line({ id: 'msg_a' }), line({ id: 'msg_b' })] })
  const analysis = analysisOf(folder)
  await analysis.refresh()
  const carriedOut: string[] = []
  let isBroken = false
  const sides = await openSides({
    analysis,
    db: await testDatabase(),
    ledgerPath: join(folder, 'ledger'),
    wrapStore: (store) => ({
      ...store,
      async electMissing(seq) {
        if (isBroken) throw new Error('the database is away')
        await store.electMissing(seq)
        carriedOut.push('electMissing')
      },
      async rebuildWinners(seq) {
        await store.rebuildWinners(seq)
        carriedOut.push('rebuildWinners')
      },
    }),
  })
  await sides.ship({ journal: false, transcripts: 'all' })
  const answer = () =>
    sides.clickhouse.answer({ queries: [{ filter: {}, groupings: [] }], access: EVERYTHING, quality: false })
  isBroken = true
  await expect(sides.publish({ change: { kind: 'electMissing' }, note: NO_LOG })).rejects.toThrow('away')
  await expect(answer()).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' })
  isBroken = false
  await sides.publish({ change: { kind: 'rebuildWinners' }, note: NO_LOG })
  expect(carriedOut).toEqual(['electMissing', 'rebuildWinners'])
  expect(totals((await answer()).answers[0]?.whole ?? []).records).toBe(2)
})
