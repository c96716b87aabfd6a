import { appendFileSync, existsSync, mkdirSync, renameSync } from 'node:fs'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'

import type { Database } from '../../src/clickhouse/database.ts'
import type { Dimension, GroupedDimension, Grouping } from '../../src/domain/dimensions.ts'

import { EVERYTHING } from '../../src/domain/scope.ts'
import type { TokenQuery } from '../../src/domain/token-query.ts'
import { describeFindings } from '../../src/migration/verification.ts'
import type { LogSelection } from '../../src/ports/logs.ts'
import type { TokenSource } from '../../src/ports/token-source.ts'
import { DAYS_OF_BERLIN, HOURS } from './bucketed.ts'
import { anyJournaled, anyRecord, type Journaled, journal, remove, TIMES } from './hybrid-records.ts'
import { normal } from './normal-answer.ts'
import { mismatches, openSides } from './sides.ts'
import { someCuts } from './told-cuts.ts'
import { analysisOf, line, makeFolder, writeTranscripts } from './transcripts.ts'

const ALL: LogSelection = { journal: true, transcripts: 'all' }
/** What each dimension is asked with. One without a row does not compile. */
const GROUPINGS_OF: Record<GroupedDimension, Grouping[]> = {
  project: [['project'], ['project', 'user', HOURS]],
  session: [['session', 'host']],
  user: [['user'], ['user', 'sidechain', 'session']],
  host: [['host']],
  branch: [['branch', HOURS]],
  sidechain: [['sidechain']],
}
const GROUPINGS: Grouping[] = [[DAYS_OF_BERLIN], ...Object.values(GROUPINGS_OF).flat()]
/** What is selected by each dimension, and asked of it. */
const SELECTED_BY: Record<Dimension, TokenQuery[]> = {
  project: [{ filter: { projects: ['p'], models: ['m1', 'm2'] }, groupings: [], sessions: true }],
  model: [{ filter: { models: [] }, groupings: [], sessions: true }],
  session: [
    { filter: { sessionIds: ['s1'], users: ['ann', 'bob'] }, groupings: [['user'], [HOURS]], countSessions: true },
  ],
  user: [{ filter: { users: ['bob'] }, groupings: [['project']], sessions: true }],
  host: [{ filter: { hosts: ['tower'] }, groupings: [['project']], sessions: true }],
  branch: [{ filter: { branches: ['', 'main'] }, groupings: [['branch']], sessions: true }],
  sidechain: [{ filter: { sidechain: ['true'] }, groupings: [['project']], sessions: true }],
}
const QUERIES: TokenQuery[] = [
  { filter: {}, groupings: GROUPINGS, sessions: true, countSessions: true },
  { filter: {}, groupings: [], countSessions: true },
  { filter: {}, groupings: [[HOURS], ['project']], countSessions: true },
  {
    filter: { from: Date.parse(TIMES[1] as string), to: Date.parse(TIMES[2] as string) },
    groupings: GROUPINGS,
    sessions: true,
    countSessions: true,
  },
  ...Object.values(SELECTED_BY).flat(),
]

/** The whole in every breakdown, and one filter: enough where the same is asked after every change. */
const FEW_QUERIES = [QUERIES[0], QUERIES[3]] as TokenQuery[]

/** Two of the pages and two of the breakdowns, of everything or of a part: all of them would take too many statements. */
function cutQuery(n: number): TokenQuery {
  const filter = n % 2 === 0 ? {} : { from: Date.parse(TIMES[1] as string), sidechain: ['false'] }
  return { filter, groupings: [], ...someCuts(n) }
}
/** The very first line of a log is shipped without its end, and becomes another one: once found, here for ever. */
const FIRST_LINE_SPOILED: Change[] = [
  { kind: 'begin', file: 'p/a.jsonl', parts: { id: 'msg_1', usage: { cache_read_input_tokens: 1 } }, share: 1 },
  { kind: 'ship', records: 1 },
  { kind: 'append', file: 'p/a.jsonl', parts: { id: 'msg_1' } },
]
/** Of a log, a last line without its end is all that is published; then it is renamed. */
const LAST_LINE_RENAMED: Change[] = [
  { kind: 'begin', file: 'q/c.jsonl', parts: { id: 'msg_4' }, share: 1 },
  { kind: 'spoil', file: 'p/a.jsonl' },
  { kind: 'ship', records: 2 },
  { kind: 'rename', file: 'q/c.jsonl', to: 'p/b.jsonl' },
]
/** A log is renamed to where another one was registered, and a new one stands where it stood. */
const NAMES_TAKEN_OVER: Change[] = [
  { kind: 'append', file: 'p/a.jsonl', parts: { id: 'msg_2', session: 's2' } },
  { kind: 'ship', records: 2 },
  { kind: 'rename', file: 'p/a.jsonl', to: 'p/b.jsonl' },
  { kind: 'append', file: 'q/c.jsonl', parts: { id: 'msg_4', session: 's2' } },
  { kind: 'rename', file: 'q/c.jsonl', to: 'p/a.jsonl' },
  { kind: 'append', file: 'q/c.jsonl', parts: { id: 'msg_3', session: 's3' } },
]
/** A case takes some three seconds beside many other tests. */
const CASE_MS = 30_000
/**
 * A case that fails or hangs is told as it is: a smaller one would be looked for until the deadline, and nothing would be
 * told.
 */
const TOLD_AT_ONCE = { endOnFailure: true, timeout: 180_000 }

async function all(source: TokenSource, queries = QUERIES): Promise<unknown> {
  const { answers, quality } = await source.answer({ queries, access: EVERYTHING, quality: true })
  const { archivedTokens, duplicateLines, conflictingCopies } = quality ?? {}
  return {
    answers: answers.map((answer, i) => normal(answer, queries[i] as TokenQuery)),
    archivedTokens,
    duplicateLines,
    conflictingCopies,
  }
}

const anyFile = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: anyRecord.map((parts) => line(parts)) },
    { weight: 1, arbitrary: fc.constant('{"x":') },
  ),
  { minLength: 1, maxLength: 8 },
)
export interface HybridSuiteOptions {
  /** Runs of each property. */
  cuts: number
  changes: number
  /** Statements that the database carries out at once. */
  statementsAtOnce: number
}

/** The hybrid answer, held against that of the files; `open` gives a new database each time. */
export function hybridSuite(open: () => Promise<Database>, options: HybridSuiteOptions): void {
  test(
    'is the legacy one at every byte cut of the logs into shipped and not shipped, and so is ClickHouse at the end',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.record({ a: anyFile, b: anyFile, c: anyFile, journaled: fc.array(anyJournaled, { maxLength: 7 }) }),
          fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 3, maxLength: 3 }),
          fc.boolean(),
          fc.integer({ min: 1, max: 4 }),
          fc.nat({ max: 15 }),
          async ({ a, b, c, journaled }, cuts, journalFirst, groupRecords, n) => {
            const queries = [...QUERIES, cutQuery(n)]
            const folder = makeFolder()
            const files = { 'p/a.jsonl': a, 'p/x/subagents/b.jsonl': b, 'q/c.jsonl': c.join('\n') }
            writeTranscripts(folder, files)
            const analysis = analysisOf(folder)
            await analysis.refresh()
            journal(analysis, journaled)
            const db = await open()
            const { statementsAtOnce } = options
            const ledgerPath = join(folder, 'ledger')
            const sides = await openSides({ analysis, db, ledgerPath, groupRecords, statementsAtOnce, triesOnce: true })
            const expected = await all(sides.legacy, queries)
            expect(await all(sides.hybrid, queries)).toEqual(expected)
            const catalogue = analysis.shipping.catalogue()
            const transcripts = new Map(catalogue.map(({ key, to }, i) => [key, Math.floor(to * (cuts[i] as number))]))
            await sides.ship({ journal: journalFirst, transcripts })
            expect(await all(sides.hybrid, queries)).toEqual(expected)
            expect(await mismatches(sides, FEW_QUERIES)).toEqual([])
            expect(describeFindings(await sides.verify())).toBe('')
            await sides.ship(ALL)
            expect(analysis.shipping.unshippedBytes()).toBe(0)
            expect(await all(sides.hybrid, queries)).toEqual(expected)
            expect(await all(sides.clickhouse, queries)).toEqual(expected)
            expect(describeFindings(await sides.verify(true))).toBe('')
            expect(sides.problems).toEqual([])
            await sides.close()
            await remove(db)
          },
        ),
        { numRuns: options.cuts, ...TOLD_AT_ONCE },
      )
    },
    options.cuts * CASE_MS,
  )

  const name = fc.constantFrom('p/a.jsonl', 'p/b.jsonl', 'q/c.jsonl')
  const anyChange: fc.Arbitrary<Change> = fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('append' as const), file: name, parts: anyRecord }) },
    // a last line without its end, which counts if it parses
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('begin' as const),
        file: name,
        parts: anyRecord,
        share: fc.constantFrom(0.5, 1),
      }),
    },
    // what makes another line of it
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('spoil' as const), file: name }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('rename' as const), file: name, to: name }) },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant('ship' as const), records: fc.integer({ min: 1, max: 3 }) }),
    },
    { weight: 1, arbitrary: fc.constant({ kind: 'rollback' as const }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('journal' as const), record: anyJournaled }) },
  )

  test(
    'stays the legacy one while logs and the journal grow, end in the middle of a line, are renamed, shipped and rolled back',
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(anyChange, { minLength: 3, maxLength: 14 }), async (changes) => {
          const folder = makeFolder()
          writeTranscripts(folder, { 'p/keep.jsonl': [line({ id: 'msg_1', session: 's1' })] })
          const at = (file: string): string => join(folder, 'projects', file)
          const analysis = analysisOf(folder)
          await analysis.refresh()
          const db = await open()
          const { statementsAtOnce } = options
          const ledgerPath = join(folder, 'ledger')
          const sides = await openSides({
            analysis,
            db,
            ledgerPath,
            groupRecords: 2,
            statementsAtOnce,
            triesOnce: true,
          })
          const written = new Map<string, number>()
          for (const [n, change] of changes.entries()) {
            const queries = [...FEW_QUERIES, cutQuery(n + changes.length)]
            if (change.kind === 'ship') {
              // up to some byte of each log
              const catalogue = analysis.shipping.catalogue()
              const to = catalogue.map((log, i) => [log.key, (log.to * ((change.records + i) % 4)) / 3] as const)
              await sides.ship({
                journal: true,
                transcripts: new Map(to.map(([key, byte]) => [key, Math.floor(byte)])),
              })
            } else if (change.kind === 'rollback') await sides.rollBack()
            else if (change.kind === 'journal') journal(analysis, [change.record], written)
            else apply(change, at)
            await analysis.refresh()
            let expected: unknown
            let isProven: boolean
            // once it is proven which log a file is, it may be called otherwise
            do {
              isProven = analysis.shipping.isExact()
              expected = await all(sides.legacy, queries)
            } while (!isProven && analysis.shipping.isExact())
            // while an edition waits to be retired, the files answer
            if (analysis.shipping.isExact()) {
              expect(await all(sides.hybrid, queries)).toEqual(expected)
              if (n % 3 === 0) expect(await mismatches(sides, FEW_QUERIES)).toEqual([])
              expect(describeFindings(await sides.verify())).toBe('')
            }
          }
          await sides.ship(ALL)
          const expected = await all(sides.legacy)
          expect(analysis.shipping.unshippedBytes()).toBe(0)
          expect(await all(sides.clickhouse)).toEqual(expected)
          expect(await all(sides.hybrid)).toEqual(expected)
          expect(sides.problems).toEqual([])
          await sides.close()
          await remove(db)
        }),
        {
          numRuns: options.changes,
          examples: [[FIRST_LINE_SPOILED], [LAST_LINE_RENAMED], [NAMES_TAKEN_OVER]],
          ...TOLD_AT_ONCE,
        },
      )
    },
    options.changes * CASE_MS,
  )
}

type Change =
  | { kind: 'ship'; records: number }
  | { kind: 'rollback' }
  | { kind: 'journal'; record: Journaled }
  | { kind: 'append'; file: string; parts: Parameters<typeof line>[0] }
  | { kind: 'begin'; file: string; parts: Parameters<typeof line>[0]; share: number }
  | { kind: 'spoil'; file: string }
  | { kind: 'rename'; file: string; to: string }

function apply(change: Exclude<Change, { kind: 'ship' | 'rollback' | 'journal' }>, at: (file: string) => string): void {
  const path = at(change.file)
  mkdirSync(dirname(path), { recursive: true })
  if (change.kind === 'append') appendFileSync(path, `${line(change.parts)}\n`)
  else if (change.kind === 'begin') {
    const text = line(change.parts)
    appendFileSync(path, text.slice(0, Math.floor(text.length * change.share)))
  } else if (change.kind === 'spoil') appendFileSync(path, '}\n')
  else if (existsSync(path) && !existsSync(at(change.to))) {
    mkdirSync(dirname(at(change.to)), { recursive: true })
    renameSync(path, at(change.to))
  }
}
