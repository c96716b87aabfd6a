import { mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { EVERYTHING } from '../../src/domain/scope.ts'
import { takeStock } from '../../src/migration/stock.ts'
import { verifyPublished } from '../../src/migration/verification.ts'
import type { TestSides } from '../support/sides.ts'
import { openSides, removeEngineAfterAll, testDatabase } from '../support/sides.ts'
import { analysisOf, line, makeFolder, totals, writeTranscripts } from '../support/transcripts.ts'

removeEngineAfterAll()

const wholeOf = async ({ clickhouse }: TestSides) =>
  totals(
    (await clickhouse.answer({ queries: [{ filter: {}, groupings: [] }], access: EVERYTHING, quality: false }))
      .answers[0]?.whole ?? [],
  )

/** Two transcripts of three records each, shipped. */
async function shipped() {
  const folder = makeFolder()
  const lines = (name: string) => [1, 2, 3].map((i) => line({ id: `msg_${name}_${i}`, session: name }))
  writeTranscripts(folder, { 'p/a.jsonl': lines('a'), 'p/b.jsonl': lines('b') })
  const analysis = analysisOf(folder)
  await analysis.refresh()
  const sides = await openSides({ analysis, db: await testDatabase(), ledgerPath: join(folder, 'ledger') })
  await sides.ship({ journal: false, transcripts: 'all' })
  expect((await wholeOf(sides)).records).toBe(6)
  const { ledger, parts, publish, shipper } = sides
  const state = ledger.states().find(({ path }) => path.endsWith('a.jsonl')) as ReturnType<typeof ledger.states>[0]
  const stock = () => shipper.exclusive(() => takeStock({ ...parts, ledger, publish }))
  return { sides, state, stock, pathOf: (name: string) => join(folder, 'projects', 'p', name), analysis }
}

/** The same; then the first is retired, as if a crash came before it is shipped anew. */
async function retired() {
  const { sides, state, stock, pathOf, analysis } = await shipped()
  await sides.publish({
    change: { kind: 'retire', logs: [sides.ledger.nameOf(state)] },
    note: { kind: 'retired', states: [{ ...state, edition: state.edition + 1, publishedTo: 0 }] },
  })
  expect((await wholeOf(sides)).records).toBe(3)
  return { sides, stock, remove: () => rmSync(pathOf('a.jsonl')), analysis }
}

test('a retirement that was cut off before the ledger noted it is no loss', async () => {
  const { sides, state, stock, pathOf, analysis } = await shipped()
  mkdirSync(pathOf('../q'))
  renameSync(pathOf('a.jsonl'), pathOf('../q/renamed.jsonl'))
  await analysis.refresh()
  await sides.store.retire([sides.ledger.nameOf(state)], sides.ledger.nextSeq())
  expect(await stock()).toMatchObject({ mended: [], lostRecords: 0 })
  await sides.ship({ journal: false, transcripts: 'all' })
  expect((await wholeOf(sides)).records).toBe(6)
  expect((await sides.verify(true)).verification).toMatchObject({ difference: '0', surplusLogs: [] })
})

test('a log that was retired, and lost before it was shipped anew, counts again, once', async () => {
  const { sides, stock, remove, analysis } = await retired()
  remove()
  await analysis.refresh()
  expect((await stock()).mended).toEqual([expect.stringContaining('1 editions count again')])
  expect((await stock()).mended).toEqual([])
  expect(await wholeOf(sides)).toMatchObject({ records: 6, input: 6, output: 6 })
  expect((await sides.verify(true)).verification).toMatchObject({ difference: '0', surplusLogs: [] })
})

test('a log that was retired, and can be read, is shipped anew, and what was retired stays out', async () => {
  const { sides, stock } = await retired()
  expect((await stock()).mended).toEqual([])
  await sides.ship({ journal: false, transcripts: 'all' })
  expect((await stock()).mended).toEqual([])
  expect((await wholeOf(sides)).records).toBe(6)
})

test('a log that was retired, shipped anew, and lost then, is as any archived one', async () => {
  const { sides, stock, remove, analysis } = await retired()
  await sides.ship({ journal: false, transcripts: 'all' })
  remove()
  await analysis.refresh()
  expect((await stock()).mended).toEqual([])
  expect((await wholeOf(sides)).records).toBe(6)
})

test('a transcript that is pruned while it is verified is archived, and no difference', async () => {
  const { sides, pathOf, analysis } = await shipped()
  const { parts, shipper } = sides
  let asked = 0
  // between what is published of the logs and what is left of them
  const evidence: typeof parts.evidence = {
    ...parts.evidence,
    async sharedBy(names) {
      if (asked++ === 0) {
        rmSync(pathOf('a.jsonl'))
        await analysis.refresh()
      }
      return parts.evidence.sharedBy(names)
    },
  }
  const { verification } = await shipper.exclusive(() => verifyPublished({ ...parts, evidence }, true))
  expect(verification).toMatchObject({ difference: '0', logsDiffering: [], logsCompared: 1, archivedTokens: '6' })
  expect((await wholeOf(sides)).records).toBe(6)
})
