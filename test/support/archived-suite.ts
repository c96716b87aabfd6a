import { appendFileSync, existsSync, mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Database } from '../../src/clickhouse/database.ts'
import type { Grouping } from '../../src/domain/dimensions.ts'
import { EVERYTHING, type Scope } from '../../src/domain/scope.ts'
import { totalOf, totalOfSums } from '../../src/domain/token-counts.ts'
import { groupsOf, type TokenQuery, type UsageSums } from '../../src/domain/token-query.ts'
import type { RecordCopy } from '../../src/domain/token-record.ts'
import type { Analysis } from '../../src/enhanced-analysis/analysis.ts'
import { describeFindings } from '../../src/migration/verification.ts'
import type { LogSelection } from '../../src/ports/logs.ts'
import type { TokenSource } from '../../src/ports/token-source.ts'
import { anyJournaled, anyRecord, type Journaled, journal, remove } from './hybrid-records.ts'
import { judgeByRule8, type Placed } from './rule-8.ts'
import { mismatches, openSides, type TestSides } from './sides.ts'
import { analysisOf, line, makeFolder } from './transcripts.ts'

const ALL: LogSelection = { journal: true, transcripts: 'all' }
const ACCESS: (readonly Scope[])[] = [EVERYTHING, [{ users: ['ann'] }], [{ projects: ['p'] }, { hosts: ['tower'] }]]
const FIELDS = ['user', 'project', 'session', 'host'] as const
const GROUPINGS: Grouping[] = FIELDS.map((field) => [field] as Grouping)
const COMPARED: TokenQuery[] = [
  { filter: {}, groupings: GROUPINGS, sessions: true },
  { filter: { users: ['ann'] }, groupings: [], countSessions: true },
]
const CASE_MS = 60_000

type Parts = NonNullable<Parameters<typeof line>[0]>
type Change =
  | { kind: 'append'; file: string; parts: Parts }
  | { kind: 'prune'; file: string }
  /** To this share of its bytes. */
  | { kind: 'truncate'; file: string; share: number }
  | { kind: 'replace'; file: string; parts: Parts }
  | { kind: 'ship'; share: number; journal: boolean }
  | { kind: 'journal'; record: Journaled }
  /** The next start finds no journal: what was shipped of it is archived. */
  | { kind: 'lose' }

const file = fc.constantFrom('p/a.jsonl', 'p/b.jsonl', 'q/c.jsonl')
const append = fc.record({ kind: fc.constant('append' as const), file, parts: anyRecord })
const journaled = fc.record({ kind: fc.constant('journal' as const), record: anyJournaled })
const prune = fc.record({ kind: fc.constant('prune' as const), file })
const truncate = fc.record({ kind: fc.constant('truncate' as const), file, share: fc.constantFrom(0, 0.5) })
const replace = fc.record({ kind: fc.constant('replace' as const), file, parts: anyRecord })
const lose = fc.constant({ kind: 'lose' as const })
const ship = fc.record({ kind: fc.constant('ship' as const), share: fc.constantFrom(0.5, 1), journal: fc.boolean() })

/** Something is shipped and vanishes; then other copies of the same records come, some are shipped, and more vanish. */
const anyChanges: fc.Arbitrary<Change[]> = fc
  .tuple(
    fc.array(fc.oneof(append, journaled), { minLength: 3, maxLength: 8 }),
    fc.constant([{ kind: 'ship' as const, share: 1, journal: true }]),
    fc.array(fc.oneof({ weight: 3, arbitrary: prune }, truncate, replace, lose), { minLength: 1, maxLength: 3 }),
    fc.array(
      fc.oneof(
        { weight: 4, arbitrary: append },
        { weight: 3, arbitrary: journaled },
        { weight: 2, arbitrary: ship },
        { weight: 2, arbitrary: fc.oneof(prune, truncate, replace, lose) },
      ),
      { minLength: 2, maxLength: 7 },
    ),
  )
  .map((parts) => parts.flat())

/** What is on disk and in the database, through several starts. */
interface World {
  folder: string
  db: Database
  statementsAtOnce: number
  analysis: Analysis
  sides: TestSides
  /** Starts that lost the journal: segments are of one of them. */
  lives: number
  written: Map<string, number>
}

async function start(
  world: Pick<World, 'folder' | 'db' | 'statementsAtOnce'>,
): Promise<Pick<World, 'analysis' | 'sides'>> {
  const { folder, db, statementsAtOnce } = world
  const analysis = analysisOf(folder)
  await analysis.refresh()
  const ledgerPath = join(folder, 'ledger')
  const sides = await openSides({ analysis, db, ledgerPath, groupRecords: 2, statementsAtOnce, triesOnce: true })
  return { analysis, sides }
}

async function carryOut(world: World, change: Change): Promise<void> {
  const { analysis, sides, folder } = world
  const at = (name: string): string => join(folder, 'projects', name)
  switch (change.kind) {
    case 'ship': {
      const logs = analysis.shipping.catalogue().map(({ key, to }) => [key, Math.floor(to * change.share)] as const)
      return sides.ship({ journal: change.journal, transcripts: new Map(logs) })
    }
    case 'journal': {
      const segment = `${change.record.segment}-${world.lives}`
      return journal(analysis, [{ ...change.record, segment }], world.written)
    }
    case 'lose': {
      await sides.close()
      analysis.close()
      Object.assign(world, await start(world), { lives: world.lives + 1 })
      return
    }
    default:
      changeFile(at(change.file), change)
  }
}

function changeFile(path: string, change: Extract<Change, { file: string }>): void {
  mkdirSync(dirname(path), { recursive: true })
  if (change.kind === 'append') appendFileSync(path, `${line(change.parts)}\n`)
  else if (change.kind === 'replace') writeFileSync(path, `${line(change.parts)}\n`)
  else if (!existsSync(path)) return
  else if (change.kind === 'prune') rmSync(path)
  else truncateSync(path, Math.floor(change.share * 400))
}

/** All copies that are published, and those on disk that are not. */
async function allCopies({ analysis, sides }: World): Promise<Placed[]> {
  const { evidence } = sides.parts
  const logs = new Map((await evidence.batches()).map(({ batch, log }) => [batch, log]))
  const published = [...(await evidence.copies([...logs.keys()]))].flatMap(([batch, copies]) => {
    const [, key = ''] = /^[^/]*\/(.*)#\d+$/.exec(logs.get(batch) ?? '') ?? []
    return copies.map((copy) => ({ ...copy, log: key }))
  })
  const onDisk = analysis.shipping
    .nextRanges(ALL, 1_000_000)
    .flatMap(({ range }) => range.batches.flat().map((copy) => ({ ...copy, log: range.state.key })))
  return [...published, ...onDisk]
}

const isWithin = (copy: RecordCopy, access: readonly Scope[]): boolean =>
  access.some(
    ({ users, projects, hosts }) =>
      (users?.includes(copy.user) ?? true) &&
      (projects?.includes(copy.project) ?? true) &&
      (hosts?.includes(copy.host) ?? true),
  )

/** What should be told of some copies: of each user, project, session and host the tokens and records. */
function expectedOf(copies: readonly Placed[], access: readonly Scope[]) {
  const winners = [...judgeByRule8(copies).winners.values()].filter((copy) => isWithin(copy, access))
  const sum = (some: readonly RecordCopy[]) => [some.reduce((all, copy) => all + totalOf(copy), 0), some.length]
  return {
    whole: sum(winners),
    groups: FIELDS.map((field) =>
      [...Map.groupBy(winners, (copy) => copy[field])].map(([value, some]) => [value, ...sum(some)]).sort(),
    ),
  }
}

async function told(source: TokenSource, access: readonly Scope[]) {
  const queries = [{ filter: {}, groupings: GROUPINGS }]
  const { answers, quality } = await source.answer({ queries, access, quality: true })
  const [answer] = answers
  if (answer === undefined) throw new Error('no answer')
  const sum = (usage: readonly UsageSums[]): number[] => [
    Number(usage.reduce((all, one) => all + totalOfSums(one), 0n)),
    Number(usage.reduce((all, { records }) => all + records, 0n)),
  ]
  return {
    archivedTokens: Number(quality?.archivedTokens),
    answer: {
      whole: sum(answer.whole),
      groups: GROUPINGS.map((grouping) =>
        groupsOf(answer, grouping)
          .map(({ values, usage }) => [values[0], ...sum(usage)])
          .sort(),
      ),
    },
  }
}

/** Holds the answers of a source against all copies that there are, and archived tokens against what the files say. */
async function check(source: TokenSource, world: World, accesses = ACCESS): Promise<void> {
  const copies = await allCopies(world)
  for (const access of accesses) {
    const { answer, archivedTokens } = await told(source, access)
    expect(answer).toEqual(expectedOf(copies, access))
    const legacy = await told(world.sides.legacy, access)
    const added = (answer.whole[0] as number) - (legacy.answer.whole[0] as number)
    expect(archivedTokens).toBe(added)
    // beside an answer of the files
    expect(Number(await world.sides.archivedTokens(access))).toBe(added)
  }
}

export interface ArchivedSuiteOptions {
  runs: number
  /** Statements that the database carries out at once. */
  statementsAtOnce: number
}

/** The hybrid answer where copies are archived, held against rule 8; `open` gives a new database each time. */
export function archivedSuite(open: () => Promise<Database>, { runs, statementsAtOnce }: ArchivedSuiteOptions): void {
  test(
    'has the winner over all copies on disk and all archived ones while logs are pruned, truncated, replaced, shipped and lost',
    async () => {
      await fc.assert(
        fc.asyncProperty(anyChanges, async (changes) => {
          const begun = { folder: makeFolder(), db: await open(), statementsAtOnce }
          mkdirSync(join(begun.folder, 'projects'))
          const world: World = { ...begun, ...(await start(begun)), lives: 0, written: new Map() }
          for (const [i, change] of changes.entries()) {
            await carryOut(world, change)
            await world.analysis.refresh()
            // until it is proven which logs are there
            await world.sides.parts.logs.elsewhere()
            // while an edition waits to be retired, the files answer
            if (!world.analysis.shipping.isExact()) continue
            const access = ACCESS[i % ACCESS.length] as readonly Scope[]
            await check(world.sides.hybrid, world, [access])
            // looking for what is shared takes as long as all else
            if (i % 4 === 0) expect(await mismatches(world.sides, COMPARED, access)).toEqual([])
          }
          await world.sides.ship(ALL)
          for (const source of [world.sides.hybrid, world.sides.clickhouse]) await check(source, world)
          expect(await mismatches(world.sides, COMPARED)).toEqual([])
          expect(describeFindings(await world.sides.verify(true))).toBe('')
          expect(world.sides.problems).toEqual([])
          await world.sides.close()
          await remove(world.db)
        }),
        { numRuns: runs, endOnFailure: true },
      )
    },
    runs * CASE_MS,
  )
}
