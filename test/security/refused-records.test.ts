import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createRecordStore } from '../../src/clickhouse/record-store.ts'
import { StatementError } from '../../src/clickhouse/statement-error.ts'
import { EVERYTHING } from '../../src/domain/scope.ts'
import type { TokenFilter } from '../../src/domain/token-query.ts'
import type { RecordCopy } from '../../src/domain/token-record.ts'
import type { Analysis } from '../../src/enhanced-analysis/analysis.ts'
import type { RecordStore } from '../../src/ports/record-store.ts'
import { searchRefused } from '../../src/shipping/refused-records.ts'
import { openSides, removeEngineAfterAll, type TestSides, testDatabase } from '../support/sides.ts'
import { copy } from '../support/store-records.ts'
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
  return { analysis, db, ledgerPath, sides: await openSides({ analysis, db, ledgerPath, ...more }) }
}

const inputOf = async (sides: TestSides, source: 'legacy' | 'hybrid' | 'clickhouse', filter: TokenFilter = {}) => {
  const { answers } = await sides[source].answer({
    queries: [{ filter, groupings: [] }],
    access: EVERYTHING,
    quality: false,
  })
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
    const { analysis, sides } = await scene(refused)
    await sides.ship(ALL)
    expect(sides.problems).toEqual([])
    const without = refused.reduce((sum, n) => sum + 2 ** n, 0)
    expect(await inputOf(sides, 'clickhouse')).toBe(everything - without)
    expect(await inputOf(sides, 'legacy')).toBe(everything)
    expect(await inputOf(sides, 'hybrid')).toBe(everything)
    // nobody may be answered from ClickHouse alone
    expect(analysis.shipping.unshippedBytes()).toBe(refused.length)
    expect(sides.ledger.state('journal:1-a')).toMatchObject({ publishedTo: 20, setAside: refused })
    const isStored = (n: number) => sides.shipper.whenPublished('journal:1-a', { from: n, to: n + 1 }, 0)
    expect(await Promise.all([isStored(refused[0] as number), isStored(2)])).toEqual([false, !refused.includes(2)])
    expect((await sides.verify(true)).verification).toMatchObject({ difference: '0', damagedBatches: [] })
  })

  test('is left where it is by what comes after it, and by a restart', async () => {
    const { analysis, db, ledgerPath, sides } = await scene([7])
    await sides.ship(ALL)
    journaled(analysis, 20, 5, [22])
    await sides.ship(ALL)
    expect(sides.ledger.state('journal:1-a')).toMatchObject({ publishedTo: 25, setAside: [7, 22] })
    await sides.close()

    const again = analysisOf(join(ledgerPath, '..'))
    await again.refresh()
    journaled(again, 0, 25, [7, 22])
    const second = await openSides({ analysis: again, db, ledgerPath })
    expect(again.shipping.unshippedBytes()).toBe(2)
    await second.ship(ALL)
    expect(second.problems).toEqual([])
    const all = 2 ** 30 + 2 ** 25 - 1
    expect(await inputOf(second, 'legacy')).toBe(all)
    expect(await inputOf(second, 'hybrid')).toBe(all)
    expect(await inputOf(second, 'clickhouse')).toBe(all - 2 ** 7 - 2 ** 22)
  })

  test('keeps its identity from being counted by a later copy of another user that ClickHouse has', async () => {
    const { analysis, sides } = await scene([])
    const lesser = copy({
      id: 'twice',
      position: 20,
      byMutation: true,
      stamp: 20,
      input: 2 ** 33,
      path: 'journal:1-a',
      offset: 20,
    })
    analysis.addJournaled({ segment: '1-a', to: 21, records: [lesser] })
    const larger = { ...lesser, ...REFUSED, position: 0, offset: 0, stamp: 7, input: 2 ** 34, path: 'journal:2-b' }
    analysis.addJournaled({ segment: '2-b', to: 1, records: [larger] })
    await sides.ship(ALL)
    expect(sides.problems).toEqual([])
    expect(wholeOf(analysis).input).toBe(everything + 2 ** 34)
    expect(await inputOf(sides, 'hybrid')).toBe(everything + 2 ** 34)
    expect(await inputOf(sides, 'hybrid', { users: ['bob'] })).toBe(0)
  })
})

describe('a database that refuses everything', () => {
  const refusal = Object.assign(new Error('no such table'), { refusesRows: true })

  test('is not taken for a mistake of the records: all of them are shipped when it is mended', async () => {
    let isBroken = true
    const wrapStore = (store: RecordStore): RecordStore => ({
      ...store,
      write: (batches) => (isBroken ? Promise.reject(refusal) : store.write(batches)),
    })
    const { analysis, sides } = await scene([], { wrapStore })
    const shipping = sides.ship(ALL)
    await expect.poll(() => sides.problems).toContain('no such table')
    isBroken = false
    await shipping
    expect(analysis.shipping.unshippedBytes()).toBe(0)
    expect(await inputOf(sides, 'clickhouse')).toBe(await inputOf(sides, 'legacy'))
  })

  test('for a while is a failure like any other', async () => {
    let failures = 1
    const wrapStore = (store: RecordStore): RecordStore => ({
      ...store,
      write: (batches) => (failures-- > 0 ? Promise.reject(refusal) : store.write(batches)),
    })
    const { analysis, sides } = await scene([], { wrapStore })
    await sides.ship(ALL)
    expect(sides.problems).toEqual(['no such table'])
    expect(analysis.shipping.unshippedBytes()).toBe(0)
  })
})

describe('a search for what is refused', () => {
  const write = async (batches: readonly { records: readonly { user: string }[] }[]): Promise<void> => {
    if (batches.some(({ records }) => records.some(({ user }) => user === 'bad')))
      throw Object.assign(new Error('refused'), { refusesRows: true })
  }
  const batchOf = (count: number, isBad: (i: number) => boolean) => {
    const records = Array.from({ length: count }, (_, i) =>
      copy({ id: `${i}`, position: i, user: isBad(i) ? 'bad' : 'ann' }),
    )
    return { batch: 1, log: 'log', run: 'live', records }
  }

  test.each([10, 40, 80, 200, 4000, 8000])('finds nothing but what is: %i of 8000, some in each round', async (bad) => {
    let { records, ...batch } = batchOf(8000, (i) => i % (8000 / bad) === 8000 / bad - 1)
    const found: number[] = []
    let shipped = 0
    while (records.length > 0) {
      let statements = 0
      const search = await searchRefused([{ ...batch, records }], (batches) => {
        statements++
        return write(batches)
      })
      expect(statements).toBeLessThanOrEqual(501)
      const refused = new Set(search.refused.get('log'))
      const left = records.filter(({ position }) => !refused.has(position))
      expect(left.slice(0, search.accepted).filter(({ user }) => user === 'bad')).toEqual([])
      expect(refused.size + search.accepted).toBeGreaterThan(0)
      found.push(...refused)
      shipped += search.accepted
      records = left.slice(search.accepted)
    }
    expect(found).toEqual(Array.from({ length: 8000 }, (_, i) => i).filter((i) => i % (8000 / bad) === 8000 / bad - 1))
    expect(shipped).toBe(8000 - bad)
  })

  test('takes a line in two batches for one', async () => {
    const whole = batchOf(4, () => false)
    const [a, b, c, d] = whole.records as [RecordCopy, RecordCopy, RecordCopy, RecordCopy]
    const first = { ...whole, records: [a, b] }
    const second = { ...whole, batch: 2, records: [{ ...c, position: 1, user: 'bad' }, d] }
    expect(await searchRefused([first, second], write)).toEqual({ refused: new Map([['log', [1]]]), accepted: 2 })
  })
})

test('more refused records than one search finds hold up nothing, and take nothing with them', async () => {
  const { analysis, sides } = await scene([])
  const count = 600
  const records = Array.from({ length: count }, (_, i) =>
    copy({
      id: `m${i}`,
      position: i,
      byMutation: true,
      input: 1000,
      path: 'journal:2-b',
      offset: i,
      ...(i % 4 === 1 ? REFUSED : {}),
    }),
  )
  analysis.addJournaled({ segment: '2-b', to: count, records })
  await sides.ship(ALL)
  expect(sides.problems).toEqual([])
  const refused = Array.from({ length: count }, (_, i) => i).filter((i) => i % 4 === 1)
  expect(sides.ledger.state('journal:2-b')).toMatchObject({ publishedTo: count, setAside: refused })
  expect(await inputOf(sides, 'clickhouse')).toBe(2 ** 30 + 2 ** 20 - 1 + 1000 * (count - refused.length))
  expect(await inputOf(sides, 'hybrid')).toBe(await inputOf(sides, 'legacy'))
  expect((await sides.verify(true)).verification).toMatchObject({ difference: '0', damagedBatches: [] })
})

describe('what ClickHouse says', () => {
  const wrongs: [string, object][] = [
    ['a broken pair of surrogates', { user: '\ud800\ud800' }],
    ['half a pair of surrogates', REFUSED],
    ['an identity that is none', { identity: 'z'.repeat(32) }],
    ['tokens that are no number', { input: 'many' }],
    ['tokens below zero', { input: -1 }],
    ['part of a token', { input: 0.5 }],
    ['a time that no column can hold', { time: 8e15 }],
    ['neither yes nor no', { sidechain: 2 }],
  ]
  test.each(wrongs)('of %s is that the rows are refused', async (_, wrong) => {
    const store = createRecordStore(await testDatabase())
    const batch = { batch: 1, log: 'log', run: 'live' }
    const good = copy({ id: 'good' })
    const records = [good, { ...copy({ id: 'bad', position: 1 }), ...wrong }]
    await expect(store.write([{ ...batch, records }])).rejects.toMatchObject({ refusesRows: true })
    await store.write([{ ...batch, records: [good] }])
  })

  test('of a constraint that rows violate is that they are refused', async () => {
    const db = await testDatabase()
    await db.command('limit', 'ALTER TABLE copies ADD CONSTRAINT few CHECK input < 100')
    const store = createRecordStore(db)
    const records = [copy({ id: 'much', input: 100 })]
    await expect(store.write([{ batch: 1, log: 'log', run: 'live', records }])).rejects.toMatchObject({
      code: 469,
      refusesRows: true,
    })
  })

  test('of a table or a column that is missing is no fault of the rows', async () => {
    const db = await testDatabase()
    await expect(db.insert('x', 'nowhere', ['log'], [['a']])).rejects.toMatchObject({ code: 60, refusesRows: false })
    await expect(db.insert('x', 'copies', ['none'], [['a']])).rejects.toMatchObject({ code: 16, refusesRows: false })
  })

  // files that cannot be opened, read or written, wrong data on disk, and a number that nobody knows
  test.each([74, 75, 76, 117, 243, 999_999])('with the number %i is a failure, whatever else it says', (code) => {
    const cause = { code: String(code), type: 'CANNOT_PARSE_TEXT', message: 'Cannot parse text' }
    expect(new StatementError('write-batches', cause).refusesRows).toBe(false)
  })
})

test('an error of the disk sets nothing aside: all of it is shipped when it is over', async () => {
  let failures = 2
  const full = new StatementError('write-batches', { code: '75', type: 'CANNOT_WRITE_TO_FILE_DESCRIPTOR', message: '' })
  const wrapStore = (store: RecordStore): RecordStore => ({
    ...store,
    // a short write goes through, a long one does not
    write: (batches) =>
      batches.flatMap(({ records }) => records).length > 1 && failures-- > 0
        ? Promise.reject(full)
        : store.write(batches),
  })
  const { analysis, sides } = await scene([], { wrapStore })
  await sides.ship(ALL)
  expect(sides.problems).toHaveLength(2)
  expect(analysis.shipping.unshippedBytes()).toBe(0)
})
