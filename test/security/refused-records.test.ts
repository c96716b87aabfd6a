import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { TokenFilter } from '../../src/domain/token-query.ts'
import type { Analysis } from '../../src/enhanced-analysis/analysis.ts'
import type { RecordStore } from '../../src/ports/record-store.ts'
import { refusedPositions } from '../../src/shipping/refused-records.ts'
import { openBridge, removeEngineAfterAll, type TestBridge, testDatabase } from '../support/bridge.ts'
import { copy } from '../support/record-store-suite.ts'
import { analysisOf, line, makeFolder, totals, wholeOf, writeTranscripts } from '../support/transcripts.ts'

removeEngineAfterAll()

/** ClickHouse takes no such text, and no release of ours should let one come so far. */
const REFUSED = { user: 'a\ud800' }
const ALL = { journal: true, transcripts: 'all' } as const

/** A journal, of which a bug has let some records come as they are. */
function journaled(analysis: Analysis, from: number, count: number, refused: readonly number[]): void {
  const records = Array.from({ length: count }, (_, i) =>
    copy({
      id: `j${from + i}`,
      position: from + i,
      byMutation: true,
      input: 2 ** (from + i),
      path: 'journal:1-a',
      offset: from + i,
      ...(refused.includes(from + i) ? REFUSED : {}),
    }),
  )
  analysis.addJournaled({ segment: '1-a', to: from + count, records })
}

async function scene(refused: readonly number[], more: { wrapStore?: (store: RecordStore) => RecordStore } = {}) {
  const folder = makeFolder()
  writeTranscripts(folder, { 'p/a.jsonl': [line({ id: 'msg_1', usage: { input_tokens: 2 ** 30 } })] })
  const analysis = analysisOf(folder)
  await analysis.refresh()
  journaled(analysis, 0, 20, refused)
  const db = await testDatabase()
  const ledgerPath = join(folder, 'ledger')
  return { analysis, db, ledgerPath, bridge: await openBridge({ analysis, db, ledgerPath, ...more }) }
}

const inputOf = async (bridge: TestBridge, source: 'legacy' | 'hybrid' | 'clickhouse', filter: TokenFilter = {}) => {
  const { answers } = await bridge[source].answer({ queries: [{ filter, groupings: [] }], quality: false })
  return totals(answers[0]?.whole ?? []).input
}

describe('a record that ClickHouse refuses', () => {
  const everything = 2 ** 30 + 2 ** 20 - 1

  test.each([
    ['alone', [7]],
    ['first and last', [0, 19]],
    ['several', [3, 4, 11]],
    ['all of the journal', Array.from({ length: 20 }, (_, i) => i)],
  ])('holds up no other: %s', async (_, refused) => {
    const { analysis, bridge } = await scene(refused)
    await bridge.ship(ALL)
    expect(bridge.problems).toEqual([])
    const without = refused.reduce((sum, n) => sum + 2 ** n, 0)
    expect(await inputOf(bridge, 'clickhouse')).toBe(everything - without)
    expect(await inputOf(bridge, 'legacy')).toBe(everything)
    expect(await inputOf(bridge, 'hybrid')).toBe(everything)
    // nobody may be answered from ClickHouse alone
    expect(analysis.shipping.unshippedBytes()).toBe(refused.length)
    expect(bridge.ledger.state('journal:1-a')).toMatchObject({ publishedTo: 20, setAside: refused })
    expect((await bridge.verify(true)).verification).toMatchObject({ difference: '0', damagedBatches: [] })
  })

  test('is left where it is by what comes after it, and by a restart', async () => {
    const { analysis, db, ledgerPath, bridge } = await scene([7])
    await bridge.ship(ALL)
    journaled(analysis, 20, 5, [22])
    await bridge.ship(ALL)
    expect(bridge.ledger.state('journal:1-a')).toMatchObject({ publishedTo: 25, setAside: [7, 22] })
    await bridge.shipper.close()
    bridge.ledger.close()

    const again = analysisOf(join(ledgerPath, '..'))
    await again.refresh()
    journaled(again, 0, 25, [7, 22])
    const second = await openBridge({ analysis: again, db, ledgerPath })
    expect(again.shipping.unshippedBytes()).toBe(2)
    await second.ship(ALL)
    expect(second.problems).toEqual([])
    const all = 2 ** 30 + 2 ** 25 - 1
    expect(await inputOf(second, 'legacy')).toBe(all)
    expect(await inputOf(second, 'hybrid')).toBe(all)
    expect(await inputOf(second, 'clickhouse')).toBe(all - 2 ** 7 - 2 ** 22)
  })

  test('keeps its identity from being counted by a lesser copy that ClickHouse has', async () => {
    const { analysis, bridge } = await scene([])
    const lesser = copy({
      id: 'twice',
      position: 20,
      byMutation: true,
      input: 2 ** 33,
      path: 'journal:1-a',
      offset: 20,
    })
    analysis.addJournaled({ segment: '1-a', to: 21, records: [lesser] })
    const larger = { ...lesser, ...REFUSED, position: 0, offset: 0, input: 2 ** 34, path: 'journal:2-b' }
    analysis.addJournaled({ segment: '2-b', to: 1, records: [larger] })
    await bridge.ship(ALL)
    expect(bridge.problems).toEqual([])
    expect(wholeOf(analysis).input).toBe(everything + 2 ** 34)
    expect(await inputOf(bridge, 'hybrid')).toBe(everything + 2 ** 34)
    expect(await inputOf(bridge, 'hybrid', { users: ['bob'] })).toBe(0)
  })
})

describe('a database that refuses everything', () => {
  const refusal = Object.assign(new Error('no such table'), { retryable: false })

  test('is not taken for a mistake of the records: all of them are shipped when it is mended', async () => {
    let isBroken = true
    const wrapStore = (store: RecordStore): RecordStore => ({
      ...store,
      write: (batches) => (isBroken ? Promise.reject(refusal) : store.write(batches)),
    })
    const { analysis, bridge } = await scene([], { wrapStore })
    const shipping = bridge.ship(ALL)
    await expect.poll(() => bridge.problems).toContain('no such table')
    isBroken = false
    await shipping
    expect(analysis.shipping.unshippedBytes()).toBe(0)
    expect(await inputOf(bridge, 'clickhouse')).toBe(await inputOf(bridge, 'legacy'))
  })

  test('for a while is a failure like any other', async () => {
    let failures = 1
    const wrapStore = (store: RecordStore): RecordStore => ({
      ...store,
      write: (batches) => (failures-- > 0 ? Promise.reject(refusal) : store.write(batches)),
    })
    const { analysis, bridge } = await scene([], { wrapStore })
    await bridge.ship(ALL)
    expect(bridge.problems).toEqual(['no such table'])
    expect(analysis.shipping.unshippedBytes()).toBe(0)
  })
})

test('a search takes a bounded number of statements, and what it leaves is set aside with the rest', async () => {
  let statements = 0
  const write = async (batches: readonly { records: readonly { user: string }[] }[]): Promise<void> => {
    statements++
    if (batches.some(({ records }) => records.some(({ user }) => user === 'bad')))
      throw Object.assign(new Error('refused'), { retryable: false })
  }
  const records = Array.from({ length: 4000 }, (_, i) => copy({ id: `${i}`, position: i, user: i % 2 ? 'bad' : 'ann' }))
  const found = await refusedPositions([{ batch: 1, log: 'log', run: 'live', records }], write)
  expect(statements).toBeLessThan(510)
  const positions = new Set(found.get('log'))
  for (const { position, user } of records) if (user === 'bad') expect(positions.has(position)).toBe(true)
})
