import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Migration } from '../../../src/domain/migration.ts'
import type { LogState } from '../../../src/ports/logs.ts'
import { type Ledger, openLedger } from '../../../src/shipping/ledger.ts'
import { type Group, NO_RUN } from '../../../src/shipping/ledger-entries.ts'
import { makeFolder } from '../../support/transcripts.ts'

const state = (publishedTo: number, more: Partial<LogState> = {}): LogState => ({
  key: '1:2',
  edition: 0,
  path: '/p/a.jsonl',
  relativePath: 'a.jsonl',
  fingerprint: { counted: publishedTo, sha256: 'x' },
  publishedTo,
  ...more,
})
const group = (ledger: Ledger, states: LogState[], batches = 1): Group => ({
  batches: Array.from({ length: batches }, (_, i) => ({
    batch: ledger.nextBatch() + i,
    log: 'log',
    run: NO_RUN,
    records: 1,
    digest: 'd',
  })),
  states,
  run: NO_RUN,
  tokens: states.map(() => '5'),
})
function open(path: string, store = 'store', minSeq = 0): Ledger {
  const ledger = openLedger(path, store, minSeq)
  onTestFinished(() => {
    try {
      ledger.close()
    } catch {
      // the test closed it
    }
  })
  return ledger
}
function publish(ledger: Ledger, group: Group, seq: number): void {
  ledger.plan(group)
  ledger.verified()
  // nobody shares it: it is noted at once
  void ledger.noted({ kind: 'published', group }, seq)
}
const pathIn = (folder: string): string => join(folder, 'ledger')

describe('the ledger', () => {
  test('knows after a restart how far each log is published', () => {
    const path = pathIn(makeFolder())
    const first = open(path)
    publish(first, group(first, [state(10)]), 7)
    first.close()
    const second = open(path)
    expect(second.states()).toEqual([state(10)])
    expect(second.state('1:2')?.publishedTo).toBe(10)
    expect(second.seq()).toBe(7)
    expect(second.unsettled()).toBeUndefined()
    expect(second.nameOf(state(0))).toBe(first.nameOf(state(0)))
  })

  test('tells what a crash left halfway, and whether it was verified', () => {
    const path = pathIn(makeFolder())
    const first = open(path)
    const planned = group(first, [state(10)], 3)
    first.plan(planned)
    first.close()
    const second = open(path)
    expect(second.unsettled()).toEqual({ group: planned, verified: false })
    expect(second.states()).toEqual([])
    second.verified()
    second.close()
    const third = open(path)
    expect(third.unsettled()).toEqual({ group: planned, verified: true })
    third.abandon()
    third.close()
    expect(open(path).unsettled()).toBeUndefined()
  })

  test('never gives a batch number twice: not after a restart, not in another ledger', () => {
    const path = pathIn(makeFolder())
    const numbers = new Set<number>()
    for (let start = 0; start < 3; start++) {
      const ledger = open(path)
      for (let i = 0; i < 3; i++) {
        const planned = group(ledger, [], 2)
        for (const { batch } of planned.batches) numbers.add(batch)
        ledger.plan(planned)
        ledger.abandon()
      }
      ledger.close()
    }
    expect(numbers.size).toBe(18)
    for (const number of numbers) expect(Number.isSafeInteger(number)).toBe(true)
    expect(numbers.has(open(pathIn(makeFolder())).nextBatch())).toBe(false)
  })

  test('keeps editions whose content is gone from the disk, and forgets those that were retired', () => {
    const ledger = open(pathIn(makeFolder()))
    const publishNext = (next: LogState): void => publish(ledger, group(ledger, [next]), ledger.seq() + 1)
    publishNext(state(10))
    publishNext(state(5, { edition: 1 }))
    expect(ledger.archived()).toEqual([state(10)])
    const before = ledger.generation()
    void ledger.noted({ kind: 'retired', states: [state(0, { edition: 2 })] }, 9)
    expect(ledger.generation()).toBe(before + 1)
    publishNext(state(5, { edition: 2 }))
    expect(ledger.archived()).toEqual([state(10)])
    expect(ledger.nameOf(state(0, { edition: 2 }))).not.toBe(ledger.nameOf(state(0)))
  })

  test('keeps how logs are registered; of one that goes on from an earlier byte, a run has verified nothing', () => {
    const path = pathIn(makeFolder())
    const ledger = open(path)
    const named = state(0, { user: 'ann', host: 'laptop', content: { to: 10, sha256: 'c' } })
    ledger.register([named, state(0, { key: '1:3' })])
    publish(ledger, { ...group(ledger, [state(10), state(10, { key: '1:3' })]), run: 'm' }, 7)
    const before = ledger.generation()
    ledger.register([named])
    expect(ledger.generation()).toBe(before + 1)
    ledger.close()
    const again = open(path)
    expect(again.states()).toEqual([named, state(10, { key: '1:3' })])
    expect([again.verifiedTokens('m', '1:2'), again.verifiedTokens('m', '1:3')]).toEqual([0n, 5n])
  })

  test('is written anew when it has grown, and knows the same', () => {
    const path = pathIn(makeFolder())
    const ledger = openLedger(path, 'store', 0, 20_000)
    const migration: Migration = {
      id: 'm',
      state: 'RUNNING',
      catalogue: [],
      startedAt: 1,
      finishedAt: null,
      difference: null,
      error: null,
    }
    ledger.saveMigration(migration)
    let largest = 0
    for (let i = 1; i <= 500; i++) {
      publish(ledger, { ...group(ledger, [state(i, { key: `1:${i % 7}`, edition: i > 400 ? 1 : 0 })]), run: 'm' }, i)
      largest = Math.max(largest, statSync(path).size)
    }
    const known = (from: Ledger) => ({
      states: from.states(),
      archived: from.archived(),
      migrations: from.migrations(),
      tokens: from.verifiedTokens('m', '1:3'),
      next: from.nextBatch(),
      seq: from.seq(),
      generation: from.generation(),
      name: from.nameOf(state(1)),
    })
    const before = known(ledger)
    expect(before).toMatchObject({ seq: 500, tokens: 360n, migrations: [migration] })
    expect(before.archived).toHaveLength(7)
    ledger.close()
    expect(largest).toBeLessThan(30_000)
    expect(known(open(path))).toEqual(before)
  })

  test('a torn end is cut off at every byte, and what was before it stays', () => {
    const folder = makeFolder()
    const path = pathIn(folder)
    const ledger = open(path)
    const sizes = [10, 20, 30].map((to) => {
      publish(ledger, group(ledger, [state(to)]), to)
      return { to, size: statSync(path).size }
    })
    ledger.close()
    const bytes = readFileSync(path)
    fc.assert(
      fc.property(fc.integer({ min: sizes[0]?.size ?? 0, max: bytes.length }), (length) => {
        writeFileSync(path, bytes)
        truncateSync(path, length)
        const cut = openLedger(path, 'store', 0)
        expect(cut.states()[0]?.publishedTo).toBe(sizes.findLast(({ size }) => size <= length)?.to)
        cut.abandon()
        cut.close()
        openLedger(path, 'store', 0).close()
      }),
    )
  })

  test('that was changed is refused with the line, not misread', () => {
    const path = pathIn(makeFolder())
    const ledger = open(path)
    for (const to of [1, 2]) {
      publish(ledger, group(ledger, [state(to)]), to)
    }
    ledger.close()
    const text = readFileSync(path, 'latin1')
    writeFileSync(path, text.replace('"publishedTo":1', '"publishedTo":9'), 'latin1')
    expect(() => openLedger(path, 'store', 0)).toThrow(
      expect.objectContaining({ code: 'LEDGER_DAMAGED', message: expect.stringContaining('line 2') }),
    )
  })

  test('is refused for another database than its own', () => {
    const path = pathIn(makeFolder())
    open(path).close()
    expect(() => openLedger(path, 'another', 0)).toThrow(expect.objectContaining({ code: 'OTHER_DATABASE' }))
    expect(open(path, 'store', 50).seq()).toBe(50)
  })
})
