import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Migration } from '../../src/domain/migration.ts'
import { takeStock } from '../../src/migration/stock.ts'
import { openSides, removeEngineAfterAll, testDatabase } from '../support/sides.ts'
import { analysisOf, line, makeFolder, writeTranscripts } from '../support/transcripts.ts'

removeEngineAfterAll()

const ROLLING_BACK: Migration = {
  id: 'run',
  state: 'ROLLING_BACK',
  catalogue: [],
  startedAt: 1,
  finishedAt: null,
  difference: null,
  error: null,
  discardArchived: true,
}

/** Two transcripts that are shipped, one of them gone since; the database was told of their rollback, and a crash came. */
async function cutOff() {
  const folder = makeFolder()
  writeTranscripts(folder, { 'p/a.jsonl': [line({ id: 'msg_a' })], 'p/gone.jsonl': [line({ id: 'msg_gone' })] })
  const analysis = analysisOf(folder)
  await analysis.refresh()
  const sides = await openSides({ analysis, db: await testDatabase(), ledgerPath: join(folder, 'ledger') })
  await sides.ship({ journal: false, transcripts: 'all' })
  rmSync(join(folder, 'projects', 'p', 'gone.jsonl'))
  await analysis.refresh()
  const { ledger, store, parts, publish, shipper } = sides
  ledger.saveMigration(ROLLING_BACK)
  const harm = async () => {
    // marked and elected anew, with the copies still there, as before they are dropped
    const logs = [...ledger.states()].map((state) => ledger.nameOf(state))
    await store.retire(logs, ledger.nextSeq())
  }
  const stock = () => shipper.exclusive(() => takeStock({ ...parts, ledger, publish }))
  return { ledger, harm, stock, analysis }
}

test('a rollback that was cut off is no loss: nothing is mended before it is at its end', async () => {
  const { harm, stock, analysis } = await cutOff()
  await harm()
  expect(await stock()).toMatchObject({ mended: [], lostRecords: 0, lostLogs: [] })
  expect(analysis.shipping.isExact()).toBe(true)
})

test('what the database lost is noticed again once the rollback is at its end', async () => {
  const { ledger, harm, stock } = await cutOff()
  await harm()
  ledger.saveMigration({ ...ROLLING_BACK, state: 'ROLLED_BACK' })
  expect((await stock()).mended).toEqual([expect.stringContaining('1 logs of which the database lost records')])
})
