import { join } from 'node:path'
import { expect, test } from 'vitest'
import { EVERYTHING } from '../../src/domain/scope.ts'
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
