import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { takeStock } from '../../src/migration/stock.ts'
import type { TestBridge } from '../support/bridge.ts'
import { openBridge, removeEngineAfterAll, testDatabase } from '../support/bridge.ts'
import { analysisOf, line, makeFolder, totals, writeTranscripts } from '../support/transcripts.ts'

removeEngineAfterAll()

const wholeOf = async ({ clickhouse }: TestBridge) =>
  totals(
    (await clickhouse.answer({ queries: [{ filter: {}, groupings: [] }], quality: false })).answers[0]?.whole ?? [],
  )

/** Two transcripts of three records each, shipped; then the first is retired, as if a crash came before it is shipped anew. */
async function retired() {
  const folder = makeFolder()
  const lines = (name: string) => [1, 2, 3].map((i) => line({ id: `msg_${name}_${i}`, session: name }))
  writeTranscripts(folder, { 'p/a.jsonl': lines('a'), 'p/b.jsonl': lines('b') })
  const analysis = analysisOf(folder)
  await analysis.refresh()
  const bridge = await openBridge({ analysis, db: await testDatabase(), ledgerPath: join(folder, 'ledger') })
  await bridge.ship({ journal: false, transcripts: 'all' })
  expect((await wholeOf(bridge)).records).toBe(6)
  const { ledger, store, parts, shipper } = bridge
  const state = ledger.states().find(({ path }) => path.endsWith('a.jsonl')) as ReturnType<typeof ledger.states>[0]
  const seq = ledger.nextSeq()
  await store.retire([ledger.nameOf(state)], seq)
  ledger.retired([{ ...state, edition: state.edition + 1, publishedTo: 0 }], seq)
  await parts.logs.update(ledger.states())
  expect((await wholeOf(bridge)).records).toBe(3)
  const stock = () => shipper.exclusive(() => takeStock({ ...parts, store, publish: (run) => run() }))
  return { bridge, stock, remove: () => rmSync(join(folder, 'projects', 'p', 'a.jsonl')), analysis }
}

test('a log that was retired, and lost before it was shipped anew, counts again, once', async () => {
  const { bridge, stock, remove, analysis } = await retired()
  remove()
  await analysis.refresh()
  expect((await stock()).mended).toEqual([expect.stringContaining('1 editions count again')])
  expect((await stock()).mended).toEqual([])
  expect(await wholeOf(bridge)).toMatchObject({ records: 6, input: 6, output: 6 })
  expect((await bridge.verify(true)).verification).toMatchObject({ difference: '0', surplusLogs: [] })
})

test('a log that was retired, and can be read, is shipped anew, and what was retired stays out', async () => {
  const { bridge, stock } = await retired()
  expect((await stock()).mended).toEqual([])
  await bridge.ship({ journal: false, transcripts: 'all' })
  expect((await stock()).mended).toEqual([])
  expect((await wholeOf(bridge)).records).toBe(6)
})

test('a log that was retired, shipped anew, and lost then, is as any archived one', async () => {
  const { bridge, stock, remove, analysis } = await retired()
  await bridge.ship({ journal: false, transcripts: 'all' })
  remove()
  await analysis.refresh()
  expect((await stock()).mended).toEqual([])
  expect((await wholeOf(bridge)).records).toBe(6)
})
