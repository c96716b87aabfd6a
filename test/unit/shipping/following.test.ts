import { expect, onTestFinished, test, vi } from 'vitest'
import type { LedgerRow, LedgerTable } from '../../../src/ports/ledger-table.ts'
import type { LogState } from '../../../src/ports/logs.ts'
import { createFollowing } from '../../../src/shipping/following.ts'
import type { SharedEntry } from '../../../src/shipping/shared-entries.ts'

const log = (publishedTo: number): LogState => ({
  key: '1:2',
  edition: 0,
  path: 'p/a.jsonl',
  relativePath: 'p/a.jsonl',
  fingerprint: { counted: publishedTo, sha256: '' },
  publishedTo,
})

/** Everything that a publisher knows, of which one log says how far it is. */
function whole(epoch: number, publishedTo: number): LedgerRow {
  const entry: SharedEntry = {
    kind: 'whole',
    ledger: 'one',
    snapshot: {
      states: [log(publishedTo)],
      archived: [],
      migrations: [],
      tokens: [],
      batches: 0,
      seq: epoch,
      generation: epoch,
    },
  }
  return { epoch, number: epoch, whole: true, open: false, entry: JSON.stringify(entry) }
}

/** A ledger in a database that answers when it is told to, and what the logs are told of it. */
function scene() {
  const rows: LedgerRow[] = []
  const told: number[] = []
  let answering: Promise<unknown> = Promise.resolve()
  const after: LedgerTable['after'] = async (mark) => {
    const found = rows.filter(({ epoch }) => epoch > mark.epoch).slice(-1)
    await answering
    return found
  }
  const table = { after } as LedgerTable
  const logs = {
    async update(states: readonly LogState[]): Promise<void> {
      told.push(...states.map(({ publishedTo }) => publishedTo))
    },
  }
  return {
    rows,
    told,
    following: createFollowing({ table, logs }),
    /** Answers are on their way until what is returned is called. */
    slow() {
      const { promise, resolve } = Promise.withResolvers<void>()
      answering = promise
      return resolve
    },
  }
}

const publishedTo = ({ following }: ReturnType<typeof scene>): number | undefined =>
  following.ledger.state('1:2')?.publishedTo

test('nothing that was on its way is told to the logs once this instance tells them itself', async () => {
  const one = scene()
  one.rows.push(whole(1, 100))
  const answer = one.slow()
  const look = one.following.refresh()
  const paused = one.following.pause()
  one.told.push(200)
  answer()
  await Promise.all([look, paused])
  await one.following.refresh()
  expect(one.told).toEqual([200])
  expect(publishedTo(one)).toBe(100)
})

test('where this instance publishes no more, the logs are told everything anew, and what was known is told until it is there', async () => {
  const one = scene()
  one.rows.push(whole(1, 100))
  await one.following.refresh()
  await one.following.pause()
  one.rows.push(whole(2, 200))
  const answer = one.slow()
  const resumed = one.following.resume()
  expect([publishedTo(one), one.following.isFresh()]).toEqual([100, false])
  answer()
  await resumed
  expect([publishedTo(one), one.following.isFresh()]).toEqual([200, true])
  expect(one.told).toEqual([100, 200])
})

test('what was looked at more than a second ago is not believed until it is looked at again', async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  onTestFinished(() => void vi.useRealTimers())
  const one = scene()
  one.rows.push(whole(1, 100))
  await one.following.refresh()
  vi.advanceTimersByTime(999)
  expect(one.following.isFresh()).toBe(true)
  vi.advanceTimersByTime(1)
  expect(one.following.isFresh()).toBe(false)
  // it is as old as its question, however late the answer comes
  const answer = one.slow()
  const look = one.following.refresh()
  vi.advanceTimersByTime(1000)
  answer()
  await look
  expect(one.following.isFresh()).toBe(false)
  await one.following.refresh()
  expect(one.following.isFresh()).toBe(true)
})

test('what a later release wrote is not read as far as it is understood: nothing of it counts, and it is told why', async () => {
  const one = scene()
  one.rows.push(whole(1, 100))
  await one.following.refresh()
  const later = { ...whole(2, 200), entry: JSON.stringify({ kind: 'of tomorrow' }) }
  one.rows.push(later)
  await expect(one.following.refresh()).rejects.toThrow('later release (of tomorrow)')
  expect([one.following.problem(), one.told, publishedTo(one)]).toEqual([
    expect.stringContaining('later release'),
    [100],
    100,
  ])
  one.rows.push(whole(3, 300))
  await one.following.refresh()
  expect([one.following.problem(), publishedTo(one)]).toEqual([undefined, 300])
})

test.each([
  ['of a later format', { format: 1000 }],
  ['of a change that it does not know', { changing: { change: { kind: 'publish' }, note: { kind: 'merged' } } }],
])('a ledger %s is refused', async (_, more) => {
  const one = scene()
  const row = whole(1, 100)
  one.rows.push({ ...row, entry: JSON.stringify({ ...JSON.parse(row.entry), ...more }) })
  await expect(one.following.refresh()).rejects.toThrow('later release')
  expect(publishedTo(one)).toBeUndefined()
})
