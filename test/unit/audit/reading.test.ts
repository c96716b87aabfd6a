import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { openAuditLog } from '../../../src/audit/audit-log.ts'
import { createLinesAfter } from '../../../src/audit/lines.ts'
import { createAuditReading } from '../../../src/audit/reading.ts'
import type { AuditPlace, AuditTable, PlacedEntry } from '../../../src/ports/audit.ts'
import { makeFolder } from '../../support/transcripts.ts'

/** A folder of several files with 40 entries and the one of its beginning, one a millisecond, by two users in turn. */
async function scene() {
  const folder = makeFolder()
  let at = 1000
  const log = openAuditLog({ folder, key: Buffer.alloc(32), maxBytes: 1 << 30, maxFileBytes: 2000, now: () => at++ })
  for (let i = 0; i < 40; i++)
    await log.note({ who: i % 2 === 0 ? 'ann' : 'bob', action: `mutation ${i}`, outcome: 'ok' })
  await log.close()
  return { folder, chain: log.head().chain }
}

/** All pages of so many, from the latest on. */
async function pages(reading: ReturnType<typeof createAuditReading>, first: number, filter = {}) {
  const found: PlacedEntry[] = []
  for (let after: AuditPlace | undefined; ; ) {
    const { entries, next } = await reading.page(first, after, filter)
    found.push(...entries)
    if (next === undefined) return found
    after = next
  }
}

describe('the entries of an audit log', () => {
  test('are read from the latest back, in pages, over files, with a filter', async () => {
    const { folder, chain } = await scene()
    expect(readdirSync(folder).length).toBeGreaterThan(3)
    const reading = createAuditReading({ folder, chain, instance: 'here', others: () => undefined })
    for (const first of [1, 7, 41, 100])
      expect((await pages(reading, first)).map(({ position }) => position)).toEqual(
        Array.from({ length: 41 }, (_, i) => 40 - i),
      )
    const ofAnn = await pages(reading, 3, { who: 'ann' })
    expect(ofAnn.map(({ position }) => position)).toEqual(Array.from({ length: 20 }, (_, i) => 39 - 2 * i))
    expect(await pages(reading, 3, { action: 'mutation 7' })).toMatchObject([
      { position: 8, who: 'bob', instance: 'here' },
    ])
  })

  test('stand among those that other instances told, by time', async () => {
    const { folder, chain } = await scene()
    const other = (position: number): PlacedEntry => ({
      position,
      at: 1001 + 3 * position,
      chain: '0'.repeat(16),
      instance: 'there',
      who: null,
      action: 'x',
      outcome: 'ok',
      detail: null,
      from: null,
      request: null,
      count: 1,
    })
    const before: AuditTable['before'] = async (_chain, { at, chain: of, position }, _filter, most) =>
      [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]
        .map(other)
        .filter(
          (one) => one.at < at || (one.at === at && (one.chain < of || (one.chain === of && one.position < position))),
        )
        .slice(0, most)
    const reading = createAuditReading({ folder, chain, instance: 'here', others: () => ({ before }) as AuditTable })
    const all = await pages(reading, 4)
    expect(all).toHaveLength(51)
    expect(all.map(({ at }) => at)).toEqual(all.map(({ at }) => at).toSorted((a, b) => b - a))
    expect(new Set(all.map((one) => `${one.chain} ${one.position}`)).size).toBe(51)
  })

  test('are read on, behind any position, as the files grow', async () => {
    const { folder } = await scene()
    for (const from of [-1, 0, 17, 39, 40]) {
      const lines = createLinesAfter(folder)
      const found: number[] = []
      for (let at = from; ; at = found.at(-1) ?? at) {
        const more = lines.read(at).map(({ entry }) => entry.position)
        if (more.length === 0) break
        found.push(...more)
      }
      expect(found).toEqual(Array.from({ length: 40 - from }, (_, i) => from + 1 + i))
    }
  })
})
