import fc from 'fast-check'
import { expect, test } from 'vitest'
import { journalUpdate } from '../../../../src/enhanced-analysis/table/journal-update.ts'
import { qualityOf } from '../../../../src/enhanced-analysis/table/quality.ts'
import { RecordTable } from '../../../../src/enhanced-analysis/table/record-table.ts'
import { judgeByRule8, type Placed } from '../../../support/rule-8.ts'
import { copy } from '../../../support/store-records.ts'

const SEGMENTS = ['segment-1', 'segment-2', 'segment-3']

/** Copies in segments, each with the step of the stamp from the one before it: so two segments may have equal ones. */
const anyCopies = fc.array(
  fc.record({
    id: fc.constantFrom('a', 'b'),
    user: fc.constantFrom('ann', 'bob', 'cid'),
    segment: fc.constantFrom(...SEGMENTS),
    step: fc.integer({ min: 1, max: 3 }),
    time: fc.constantFrom(1000, 2000),
    input: fc.integer({ min: 0, max: 2 }),
    output: fc.integer({ min: 0, max: 2 }),
    sidechain: fc.boolean(),
    project: fc.constantFrom('p', 'q'),
    // where its sender says that it was first written: the same for several, too
    origin: fc.constantFrom(undefined, { path: '/p/a.jsonl', offset: 0 }, { path: '/p/a.jsonl', offset: 7 }),
  }),
  { maxLength: 12 },
)

type Copies = typeof anyCopies extends fc.Arbitrary<infer T> ? T : never

/** Each at a place of its own, with stamps that grow in each segment. */
function placed(copies: Copies): Placed[] {
  const stamps = new Map<string, number>()
  return copies.map(({ id, segment, step, origin, ...more }, i) => {
    const stamp = (stamps.get(segment) ?? 1000) + step
    stamps.set(segment, stamp)
    const key = `journal:${segment}`
    const { path, offset } = origin ?? { path: key, offset: i }
    return { ...copy({ id, ...more, byMutation: true, position: i, offset, path, stamp }), log: key }
  })
}

const apply = (table: RecordTable, { log, ...record }: Placed): void => {
  const segment = log.slice('journal:'.length)
  const from = table.file(log)?.counted ?? 0
  table.apply(journalUpdate({ segment, to: record.position + 1, records: [record] }, from))
}

const winnersIn = (table: RecordTable): string[] => {
  const { columns: c, origins } = table
  const rows = [...table.knownFiles()].flatMap((file) => [...table.rowsOf(file)])
  return rows
    .filter((row) => table.winnerOf(row) === row)
    .map((row) => `${c.offset[row]} of ${origins.at(c.origin[row] as number).user}`)
    .sort()
}

const told = ({ position, user }: Placed): string => `${position} of ${user}`

test('whose copies count is the same in memory as by the rule, in whatever order segments are read, grow and go', () => {
  fc.assert(
    fc.property(anyCopies, fc.array(fc.nat(), { minLength: 12, maxLength: 12 }), (copies, order) => {
      const all = placed(copies)
      const table = new RecordTable()
      // each segment in its order, and segments among each other in any
      const left = Map.groupBy(all, ({ log }) => log)
      let read: Placed[] = []
      const judge = (): void => {
        const { winners, conflicts } = judgeByRule8(read)
        expect(winnersIn(table)).toEqual([...winners.values()].map(told).sort())
        expect(qualityOf(table).conflictingCopies).toBe(BigInt(conflicts))
      }
      for (const n of order.slice(0, all.length)) {
        const logs = [...left.keys()].filter((log) => (left.get(log) as Placed[]).length > 0)
        const next = left.get(logs[n % logs.length] as string)?.shift() as Placed
        apply(table, next)
        read.push(next)
        judge()
      }
      for (const segment of SEGMENTS) {
        table.forget(`journal:${segment}`)
        read = read.filter(({ log }) => log !== `journal:${segment}`)
        judge()
      }
      expect(table.conflicting.size).toBe(0)
    }),
    { numRuns: 300 },
  )
})
