import fc from 'fast-check'
import { z } from 'zod'
import type { Database } from '../../src/clickhouse/database.ts'
import { identityDigest } from '../../src/domain/identity.ts'
import type { Analysis } from '../../src/enhanced-analysis/analysis.ts'

// What the suites of the hybrid answer make worlds of.

export const TIMES = [
  '2026-04-02T09:15:03.120Z',
  '2026-04-02T09:15:03.121Z',
  '2026-04-02T23:59:59Z',
  '2026-05-01T00:00:00Z',
]

export const anyRecord = fc.record({
  id: fc.constantFrom('msg_1', 'msg_2', 'msg_3', 'msg_4', 'short'),
  session: fc.constantFrom('s1', 's2', 's3'),
  time: fc.constantFrom(...TIMES),
  model: fc.constantFrom('m1', 'm2'),
  sidechain: fc.boolean(),
  branch: fc.constantFrom('main', 'größe/😀', null),
  usage: fc.record({
    output_tokens: fc.integer({ min: 0, max: 3 }),
    cache_read_input_tokens: fc.constantFrom(0, 1, 127_999, 300_000),
    cache_creation_input_tokens: fc.constantFrom(0, 7),
  }),
})
export const anyJournaled = fc.record({
  id: fc.constantFrom('msg_1', 'msg_3', 'msg_9'),
  user: fc.constantFrom('ann', 'bob', 'cid'),
  segment: fc.constantFrom<string>('segment-1', 'segment-2'),
  host: fc.constantFrom('laptop', 'tower'),
  project: fc.constantFrom('p', 'q'),
  sidechain: fc.boolean(),
  branch: fc.constantFrom('main', ''),
  session: fc.constantFrom('s1', 's4'),
  time: fc.constantFrom(...TIMES),
  output: fc.integer({ min: 0, max: 5 }),
})
export type Journaled = typeof anyJournaled extends fc.Arbitrary<infer T> ? T : never

/**
 * Appends records to segments of the journal. Segments may have equal stamps, and the first record of one may be later
 * than the last of another. `written` has the number of records of each segment.
 */
export function journal(analysis: Analysis, records: readonly Journaled[], written = new Map<string, number>()): void {
  for (const { id, segment, output, time, ...rest } of records) {
    const n = written.get(segment) ?? 0
    written.set(segment, n + 1)
    const position = n * 100
    analysis.addJournaled({
      segment,
      to: position + 100,
      records: [
        {
          ...rest,
          identity: identityDigest(`message:${id}`),
          time: Date.parse(time),
          model: 'm1',
          input: 1,
          output,
          cacheRead: 0,
          cacheCreation5m: 0,
          cacheCreation1h: 0,
          byMutation: true,
          stamp: 1000 + n,
          position,
          path: `journal:${segment}`,
          offset: position,
        },
      ],
    })
  }
}

const CURRENT = { name: 'current', sql: 'SELECT currentDatabase() AS name', row: z.object({ name: z.string() }) }

/** An engine that keeps the databases of all cases becomes slow. */
export async function remove(db: Database<string>): Promise<void> {
  for (const { name } of await db.query(CURRENT)) await db.command('remove', `DROP DATABASE ${name} SYNC`)
  await db.close()
}
