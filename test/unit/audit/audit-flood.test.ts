// Who makes many entries can neither fill the disk with them nor drive out what the log says of them.
import { statSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { createAllowance } from '../../../src/audit/allowance.ts'
import type { Removal } from '../../../src/audit/removal.ts'
import { createTurnover } from '../../../src/audit/turnover.ts'
import type { RepeatedEvent } from '../../../src/ports/audit.ts'
import { filesOf, linesOf, open, verdictOf, written } from '../../support/audit-folder.ts'
import { makeFolder } from '../../support/transcripts.ts'

const DAY_MS = 86_400_000
const ingest = (who: string, more: Partial<RepeatedEvent> = {}): RepeatedEvent => ({
  who,
  from: '10.0.0.1',
  action: 'mutation ingestTokenRecords',
  outcome: 'ok',
  numbers: { accepted: 2, rejected: 0 },
  detail: 'replayed=false',
  ...more,
})
const sizeOf = (folder: string) => filesOf(folder).reduce((sum, path) => sum + statSync(path).size, 0)

describe('calls of one caller that change something', () => {
  test('have an entry each, on disk before the answer, as long as there are not too many', async () => {
    const folder = makeFolder()
    const log = open(folder)
    for (let i = 1; i <= 50; i++) {
      await log.noteRepeated(ingest('ida', { request: `r${i}` }))
      expect(linesOf(folder).filter(({ who }) => who === 'ida')).toHaveLength(i)
    }
    expect(linesOf(folder).at(-1)).toMatchObject({ request: 'r50', detail: 'accepted=2 rejected=0 replayed=false' })
    await log.close()
  })

  test('beyond that are one entry a second and kind, with the number of the others and their sums; none is lost', async () => {
    const folder = makeFolder()
    const log = open(folder)
    const calls = 2000
    await Promise.all(Array.from({ length: calls }, () => log.noteRepeated(ingest('flo'))))
    await log.noteRepeated(ingest('flo', { numbers: { accepted: 1, rejected: 1, outOfScope: 1 } }))
    // of another kind: on disk by itself, however many there were before
    expect(linesOf(folder).at(-1)).toMatchObject({
      who: 'flo',
      detail: 'accepted=1 rejected=1 outOfScope=1 replayed=false',
    })
    await log.noteRepeated(ingest('ida'))
    expect(linesOf(folder).at(-1)).toMatchObject({ who: 'ida' })
    await log.close()
    const lines = linesOf(folder).filter(({ who, detail }) => who === 'flo' && !detail.includes('outOfScope'))
    expect(lines.length).toBeLessThan(110)
    const counts = lines.map(({ count = 1 }) => count)
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(calls)
    const accepted = lines.map(({ detail }) => Number(/^accepted=(\d+)/.exec(detail)?.[1]))
    expect(accepted.reduce((sum, some) => sum + some, 0)).toBe(2 * calls)
    expect(verdictOf(folder).problem).toBeUndefined()
  })

  test('are refused together where nothing can be written, also those that would be put together', async () => {
    const folder = await written(1)
    const log = open(folder)
    await Promise.all(Array.from({ length: 150 }, () => log.noteRepeated(ingest('flo'))))
    const { renameSync } = await import('node:fs')
    renameSync(folder, `${folder}.away`)
    const other = () => log.noteRepeated(ingest('flo', { outcome: 'CONFLICT' }))
    const asked = await Promise.allSettled([other(), other(), other()])
    expect(asked.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    renameSync(`${folder}.away`, folder)
    await log.close()
  })
})

test('one caller for an hour, and addresses without end, make few entries; what they were is counted', async () => {
  let at = Date.UTC(2026, 3, 2)
  const allowed = (perSecond: number) => {
    const allowance = createAllowance({ atOnce: 200, perSecond, now: () => at })
    let count = 0
    for (let second = 0; second < 3600; second++, at += 1000)
      for (let i = 0; i < 100; i++) if (allowance.take('eve')) count++
    return count
  }
  expect(allowed(2)).toBeLessThanOrEqual(200 + 2 * 3600)
  expect(allowed(2)).toBeGreaterThan(2 * 3600)
  const folder = makeFolder()
  const log = open(folder)
  for (let i = 0; i < 400; i++) log.count({ who: 'eve', action: `query Q${i}`, outcome: 'ok', from: `address ${i}` })
  for (let i = 0; i < 400; i++) log.count({ who: 'eve', action: `query Q${i}`, outcome: 'ok', from: `address ${i}` })
  await log.close()
  const lines = linesOf(folder).filter(({ who }) => who === 'eve')
  expect(lines.length).toBeLessThan(30)
  expect(lines.reduce((sum, { count = 1 }) => sum + count, 0)).toBe(800)
})

describe('a folder that is full', () => {
  const small = { maxFileBytes: 1000, maxBytes: 5000 }
  /** More than the folder may keep, four times over. */
  async function flooded(keptElsewhere: (() => number) | undefined) {
    const folder = makeFolder()
    const removed: Removal['removed'][] = []
    const log = open(folder, {
      ...small,
      ...(keptElsewhere && { keptElsewhere }),
      onRemoved: (one) => removed.push(one),
    })
    await log.note({ who: 'eve', action: 'mutation theft', outcome: 'ok' })
    let most = 0
    for (let i = 0; i < 120; i++) {
      await log.note({ who: 'eve', action: 'mutation flood', outcome: 'ok' })
      most = Math.max(most, sizeOf(folder))
    }
    await log.close()
    expect(verdictOf(folder).problem).toBeUndefined()
    return { removed, most, hasTheft: linesOf(folder).some(({ action }) => action === 'mutation theft') }
  }

  test('loses the oldest entries where nobody else is to keep them', async () => {
    const { removed, most, hasTheft } = await flooded(undefined)
    expect(hasTheft).toBe(false)
    expect(most).toBeLessThan(7500)
    expect(removed.every(({ isLost }) => !isLost)).toBe(true)
  })

  test('keeps what the database was not told, up to twice as much, and says where that was not enough', async () => {
    let told = -1
    const { removed, most } = await flooded(() => told)
    expect(most).toBeGreaterThan(9000)
    expect(most).toBeLessThan(12_500)
    expect(removed.length).toBeGreaterThan(0)
    expect(removed.every(({ isLost }) => isLost)).toBe(true)
    told = Number.MAX_SAFE_INTEGER
    const kept = await flooded(() => told)
    expect(kept.most).toBeLessThan(7500)
    expect(kept.removed.every(({ isLost }) => !isLost)).toBe(true)
  })

  test('loses nothing that the database was not told while there is room', async () => {
    const folder = makeFolder()
    const log = open(folder, { ...small, keptElsewhere: () => 10 })
    for (let i = 0; i < 40; i++) await log.note({ action: 'mutation flood', outcome: 'ok' })
    await log.close()
    const [first] = linesOf(folder)
    expect(first.position).toBeGreaterThan(0)
    expect(first.position).toBeLessThanOrEqual(11)
  })

  test('raises an alarm where it held less than a week, and not where it held more', () => {
    const alarms: string[] = []
    let now = Date.UTC(2026, 3, 20)
    const turnover = createTurnover({ onAlarm: (problem) => alarms.push(problem), now: () => now })
    expect(turnover.problem()).toBeUndefined()
    turnover.removed({ until: now - 7 * DAY_MS, isLost: false })
    expect([alarms, turnover.problem()]).toEqual([[], undefined])
    turnover.removed({ until: now - 7 * DAY_MS + 1, isLost: false })
    expect(alarms).toEqual([expect.stringMatching(/^it holds less than 7 days: entries up to 2026-04-13T/)])
    expect(turnover.problem()).toBe(alarms[0])
    now += DAY_MS
    expect(turnover.problem()).toBeUndefined()
    turnover.removed({ until: now - 30 * DAY_MS, isLost: true })
    expect(turnover.problem()).toMatch(/were removed before the database was told of them/)
    expect(turnover.total()).toBe(2)
  })
})
