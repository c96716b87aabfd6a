import { rmSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Grouping } from '../../src/domain/dimensions.ts'
import { EVERYTHING, type Scope } from '../../src/domain/scope.ts'
import { groupsOf, type TokenAnswer, type TokenFilter } from '../../src/domain/token-query.ts'
import type { SourceAnswer, TokenSource } from '../../src/ports/token-source.ts'
import { ALL_CASES } from '../support/all-cases.ts'
import { anyScope, anyWorld, journal, make, NINE, type Raw, type World } from '../support/scoped-worlds.ts'
import { openSides, removeEngineAfterAll, type TestSides, testDatabase } from '../support/sides.ts'
import { totals } from '../support/transcripts.ts'

removeEngineAfterAll()

const DEADLINE_MS = 600_000
const GROUPINGS: Grouping[] = [['user'], ['project'], ['host'], ['session', 'user']]
const FILTERS: TokenFilter[] = [{}, { users: ['ann'] }, { projects: ['q', 'zoo'], hosts: ['laptop', 'tower'] }]

// The truth, from the raw copies alone.

const isWithin = (record: Pick<Raw, 'user' | 'project' | 'host'>, scopes: readonly Scope[]): boolean =>
  scopes.some(
    ({ users, projects, hosts }) =>
      (users === undefined || users.includes(record.user)) &&
      (projects === undefined || projects.includes(record.project)) &&
      (hosts === undefined || hosts.includes(record.host)),
  )

function winnersOf(raw: readonly Raw[]): Raw[] {
  const byId = Map.groupBy(raw, ({ id }) => id)
  const better = (a: Raw, b: Raw): Raw =>
    a.byMutation === b.byMutation ? (a.output > b.output ? a : b) : a.byMutation ? b : a
  // of what came by mutation, whoever was first owns it
  const takingPart = (copies: Raw[]): Raw[] => {
    const owner = copies.find(({ byMutation }) => byMutation)?.user
    return copies.filter(({ byMutation, user }) => !byMutation || user === owner)
  }
  return [...byId.values()].map((copies) => takingPart(copies).reduce(better))
}

const count = <T>(items: readonly T[], nameOf: (item: T) => string): [string, number][] =>
  [...Map.groupBy(items, nameOf)].map(([name, list]): [string, number] => [name, list.length]).sort()

/** What of some winners is told. */
function expectedOf(winners: readonly Raw[]) {
  const times = winners.map(({ time }) => time)
  return {
    records: winners.length,
    output: winners.reduce((sum, { output }) => sum + output, 0),
    sessionCount: new Set(winners.map(({ session }) => session)).size,
    firstAt: times.length === 0 ? undefined : Math.min(...times),
    lastAt: times.length === 0 ? undefined : Math.max(...times),
    groups: [
      count(winners, ({ user }) => user),
      count(winners, ({ project }) => project),
      count(winners, ({ host }) => host),
      count(winners, ({ session, user }) => `${session} ${user}`),
    ],
    sessions: count(winners, ({ session }) => session),
  }
}

function toldIn(answer: TokenAnswer) {
  const records = (usage: TokenAnswer['whole']): number => totals(usage).records
  return {
    records: records(answer.whole),
    output: totals(answer.whole).output,
    sessionCount: answer.sessionCount,
    firstAt: answer.firstAt,
    lastAt: answer.lastAt,
    groups: GROUPINGS.map((grouping) =>
      groupsOf(answer, grouping)
        .map(({ values, usage }): [string, number] => [values.join(' '), records(usage)])
        .sort(),
    ),
    sessions: answer.sessions?.map(({ id, usage }): [string, number] => [id, records(usage)]).sort(),
  }
}

const ask = (source: TokenSource, access: readonly Scope[], filters = FILTERS): Promise<SourceAnswer> =>
  source.answer({
    queries: filters.map((filter) => ({ filter, groupings: GROUPINGS, sessions: true, countSessions: true })),
    access,
    quality: true,
  })

const selects = (filter: TokenFilter, record: Raw): boolean =>
  isWithin(record, [{ users: filter.users, projects: filter.projects, hosts: filter.hosts }])

/** Holds the answers of a source against the truth. */
async function check(source: TokenSource, raw: readonly Raw[], scopes: readonly Scope[]): Promise<SourceAnswer> {
  const { answers, quality, ...rest } = await ask(source, scopes)
  const winners = winnersOf(raw).filter((record) => isWithin(record, scopes))
  expect(answers.map(toldIn)).toEqual(
    FILTERS.map((filter) => expectedOf(winners.filter((record) => selects(filter, record)))),
  )
  expect(quality?.duplicateLines).toBe(BigInt(raw.filter((copy) => isWithin(copy, scopes)).length - winners.length))
  expect(totals(quality?.whole ?? []).records).toBe(winners.length)
  return { answers, quality, ...rest }
}

async function open(world: World): Promise<ReturnType<typeof make> & { sides: TestSides }> {
  const made = make(world)
  await made.analysis.refresh()
  journal(made.analysis, made.raw)
  const ledgerPath = join(made.folder, 'ledger')
  return { ...made, sides: await openSides({ analysis: made.analysis, db: await testDatabase(), ledgerPath }) }
}

describe('whoever sees a part', () => {
  test(
    'is answered by every source as if there were nothing else, whatever they ask for',
    async () => {
      await fc.assert(
        fc.asyncProperty(anyWorld, fc.array(anyScope, { maxLength: 3 }), async (world, scopes) => {
          const { analysis, raw, written, sides } = await open(world)
          const isEverything = scopes.some((scope) => Object.values(scope).every((names) => names === undefined))
          const files = written.filter((file) => isWithin(file, scopes))
          const { quality } = await check(sides.legacy, raw, scopes)
          const broken = BigInt(files.reduce((sum, file) => sum + file.broken, 0))
          expect(quality?.refused).toEqual(broken === 0n ? [] : [{ reason: 'malformed_json', count: broken }])
          const journaled = isEverything ? 100 * raw.filter(({ byMutation }) => byMutation).length : 0
          expect(quality?.unshippedBytes).toBe(BigInt(files.reduce((sum, { bytes }) => sum + bytes, journaled)))
          const shipped = new Set(written.filter((_, i) => world.files[i]?.isShipped).map(({ path }) => path))
          const catalogue = analysis.shipping.catalogue().filter(({ path }) => shipped.has(path))
          const transcripts = new Map(catalogue.map(({ key, to }) => [key, to]))
          await sides.ship({ journal: world.isJournalShipped, transcripts })
          await check(sides.hybrid, raw, scopes)
          await sides.ship({ journal: true, transcripts: 'all' })
          for (const source of [sides.legacy, sides.hybrid, sides.clickhouse]) await check(source, raw, scopes)
          await sides.close()
        }),
        { numRuns: ALL_CASES ? 25 : 10 },
      )
    },
    DEADLINE_MS,
  )

  test(
    'of one scope is answered what the filter of that scope gives to those who see everything',
    async () => {
      await fc.assert(
        fc.asyncProperty(anyWorld, anyScope, async (world, scope) => {
          const { sides } = await open(world)
          const filter = JSON.parse(JSON.stringify(scope)) as TokenFilter
          const same = async (source: TokenSource) => {
            const [scoped] = (await ask(source, [scope], [{}])).answers
            const [filtered] = (await ask(source, EVERYTHING, [filter])).answers
            // sessions with the project, user and host of their latest record in it, too
            expect(scoped).toEqual(filtered)
          }
          await same(sides.legacy)
          await sides.ship({ journal: world.isJournalShipped, transcripts: 'all' })
          for (const source of [sides.hybrid, sides.clickhouse]) await same(source)
          await sides.close()
        }),
        { numRuns: ALL_CASES ? 15 : 6 },
      )
    },
    DEADLINE_MS,
  )

  test('is told of what only ClickHouse still has no more than is theirs', async () => {
    const copies = [1, 2].map((id) => ({ id, session: 's1', time: NINE }))
    const file = (root: number, from: number) => ({
      root,
      project: 'p',
      copies: copies.map((copy) => ({ ...copy, id: from + copy.id })),
      broken: 0,
      isShipped: true,
    })
    const world = { files: [file(0, 0), file(1, 10)], journaled: [], isJournalShipped: true }
    const { analysis, written, sides } = await open(world)
    await sides.ship({ journal: true, transcripts: 'all' })
    for (const { path } of written) rmSync(path)
    await analysis.refresh()
    const archived = async (access: readonly Scope[]) =>
      Promise.all(
        [sides.hybrid, sides.clickhouse].map(async (source) => (await ask(source, access)).quality?.archivedTokens),
      )
    // outputs 1 and 2 are of ann, 3 and 4 of bob; an input of 1 with each
    expect(await archived([{ users: ['ann'] }])).toEqual([5n, 5n])
    expect(await archived([{ hosts: ['tower'] }])).toEqual([9n, 9n])
    expect(await archived([{ users: ['ann'] }, { hosts: ['tower'] }])).toEqual([14n, 14n])
    expect(await archived(EVERYTHING)).toEqual([14n, 14n])
    expect(await archived([])).toEqual([0n, 0n])
  })

  test('is told nothing of how much waits in the journal, which is nobody’s own', async () => {
    const journaled = [{ id: 1, session: 's1', time: NINE, user: 'ann', project: 'p', host: '' }]
    const { raw, sides } = await open({ files: [], journaled, isJournalShipped: false })
    for (const scopes of [[{ hosts: [''] }], [{ users: ['', 'ann'] }], [{ projects: ['', 'p'] }]]) {
      const { quality } = await check(sides.legacy, raw, scopes)
      expect(quality?.unshippedBytes).toBe(0n)
    }
    expect((await check(sides.legacy, raw, EVERYTHING)).quality?.unshippedBytes).toBe(100n)
  })

  test('may have as many scopes and names as a token can hold', async () => {
    const copies = [{ id: 1, session: 's1', time: NINE }]
    const files = [{ root: 1, project: 'p', copies, broken: 0, isShipped: true }]
    const { raw, sides } = await open({ files, journaled: [], isJournalShipped: true })
    await sides.ship({ journal: true, transcripts: 'all' })
    const many = Array.from({ length: 99 }, (_, i) => ({
      users: Array.from({ length: 10 }, (_, j) => `u${i}-${j}`),
      projects: [`p${i}`],
      hosts: [`h${i}`],
    }))
    for (const source of [sides.legacy, sides.hybrid, sides.clickhouse]) {
      await check(source, raw, many)
      await check(source, raw, [...many, { users: ['bob'] }])
    }
  })
})
