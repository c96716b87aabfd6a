// Copies that only ClickHouse still has, and copies of the same records that come to disk later: whichever outranks the
// other counts, before it is shipped and after it.

import { appendFileSync, cpSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createPublishedRecords } from '../../src/clickhouse/published-records.ts'
import { identityDigest } from '../../src/domain/identity.ts'
import { EVERYTHING, type Scope } from '../../src/domain/scope.ts'
import { totalOfSums } from '../../src/domain/token-counts.ts'
import type { RecordCopy } from '../../src/domain/token-record.ts'
import type { Analysis } from '../../src/enhanced-analysis/analysis.ts'
import type { TokenSource } from '../../src/ports/token-source.ts'
import { openSides, removeEngineAfterAll, type TestSides, testDatabase } from '../support/sides.ts'
import { TEST_PRICES } from '../support/test-prices.ts'
import { analysisOf, line, makeFolder, writeTranscripts } from '../support/transcripts.ts'

removeEngineAfterAll()

const ALL = { journal: true, transcripts: 'all' } as const

/** A line of so many tokens. */
const tokens = (total: number, parts: Parameters<typeof line>[0] = {}): string =>
  `${line({ id: 'msg_1', session: 's', ...parts, usage: { output_tokens: total - 1 } })}\n`

interface Told {
  tokens: number
  archived: number
  users: Record<string, number>
}

async function told(source: TokenSource, access: readonly Scope[] = EVERYTHING): Promise<Told> {
  const { answers, quality } = await source.answer({
    queries: [{ filter: {}, groupings: [['user']] }],
    access,
    quality: true,
  })
  const sum = (usage: Parameters<typeof totalOfSums>[0][]): number =>
    Number(usage.reduce((total, one) => total + totalOfSums(one), 0n))
  const users = answers[0]?.groups.user ?? []
  return {
    tokens: sum(answers[0]?.whole ?? []),
    archived: Number(quality?.archivedTokens),
    users: Object.fromEntries(users.map(({ values, usage }) => [values[0], sum(usage)])),
  }
}

/** A disk, a database, and what is on both. */
async function scene(files: Record<string, string>) {
  const folder = makeFolder()
  const at = (name: string): string => join(folder, 'projects', name)
  writeTranscripts(folder, files)
  const analysis = analysisOf(folder)
  await analysis.refresh()
  const db = await testDatabase()
  const sides = await openSides({ analysis, db, ledgerPath: join(folder, 'ledger') })
  return { folder, at, db, analysis, sides }
}

function writeTranscriptsIn(at: (name: string) => string, files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(at(name)), { recursive: true })
    writeFileSync(at(name), text)
  }
}

/** Looks at the disk, and which logs are there. */
async function look(analysis: Analysis, sides: TestSides): Promise<void> {
  await analysis.refresh()
  await sides.parts.logs.elsewhere()
}

/** Both before what is on disk is shipped and after it. */
async function expectThroughout(sides: TestSides, expected: Told, access?: readonly Scope[]): Promise<void> {
  expect(await told(sides.hybrid, access)).toEqual(expected)
  await expectBesideFiles(sides, expected, access)
  await sides.ship(ALL)
  expect(await told(sides.hybrid, access)).toEqual(expected)
  expect(await told(sides.clickhouse, access)).toEqual(expected)
  await expectBesideFiles(sides, expected, access)
}

/** What the files answer and what is said to be archived come to what everybody else answers. */
async function expectBesideFiles(
  sides: Pick<TestSides, 'legacy' | 'archivedTokens'>,
  expected: Pick<Told, 'tokens' | 'archived'>,
  access: readonly Scope[] = EVERYTHING,
): Promise<void> {
  const archived = Number(await sides.archivedTokens(access))
  const { tokens } = await told(sides.legacy, access)
  expect({ tokens: tokens + archived, archived }).toEqual({ tokens: expected.tokens, archived: expected.archived })
}

type Journaled = Pick<RecordCopy, 'user' | 'stamp'> & { total: number }

/** Appends a copy of one record to a segment. */
function journal(analysis: Analysis, segment: string, copy: Journaled & { n: number }): void {
  const { n, total, ...rest } = copy
  const position = n * 100
  analysis.addJournaled({
    segment,
    to: position + 100,
    records: [
      {
        identity: identityDigest('message:msg_1'),
        host: 'laptop',
        project: 'p',
        session: 's',
        model: 'm1',
        branch: '',
        time: 1,
        sidechain: false,
        input: 0,
        output: total,
        cacheRead: 0,
        cacheCreation5m: 0,
        cacheCreation1h: 0,
        byMutation: true,
        path: `journal:${segment}`,
        position,
        offset: position,
        ...rest,
      },
    ],
  })
}

describe('an archived copy of a record that comes to disk again', () => {
  test.each([
    ['pruned', (path: string) => rmSync(path)],
    ['truncated', (path: string) => writeFileSync(path, '')],
    ['replaced', (path: string) => writeFileSync(path, tokens(7, { id: 'msg_other' }))],
  ])('counts where it outranks that, of a transcript that was %s', async (_, vanish) => {
    const { at, analysis, sides } = await scene({ 'p/a.jsonl': tokens(80), 'p/b.jsonl': tokens(10, { id: 'msg_2' }) })
    await sides.ship(ALL)
    vanish(at('p/a.jsonl'))
    writeFileSync(at('p/c.jsonl'), tokens(60))
    await look(analysis, sides)
    const legacy = await told(sides.legacy)
    const users = { ann: legacy.tokens + 20 }
    await expectThroughout(sides, { tokens: legacy.tokens + 20, archived: 20, users })
  })

  test('counts with its own time, session, user and project, and not at all where it is outranked', async () => {
    const { at, analysis, sides } = await scene({ 'p/a.jsonl': tokens(80, { session: 's1' }) })
    await sides.ship(ALL)
    rmSync(at('p/a.jsonl'))
    writeTranscriptsIn(at, { 'q/c.jsonl': tokens(60, { session: 's2', sidechain: true }) })
    await look(analysis, sides)
    const sessions = async (): Promise<unknown> =>
      (
        await sides.hybrid.answer({
          queries: [{ filter: {}, groupings: [], sessions: true }],
          access: EVERYTHING,
          quality: false,
        })
      ).answers[0]?.sessions?.map(({ id, project }) => ({ id, project }))
    expect(await sessions()).toEqual([{ id: 's1', project: 'p' }])
    // on the main chain, with more tokens
    appendFileSync(at('q/c.jsonl'), tokens(90, { session: 's3' }))
    await look(analysis, sides)
    expect(await sessions()).toEqual([{ id: 's3', project: 'q' }])
    await expectThroughout(sides, { tokens: 90, archived: 0, users: { ann: 90 } })
    expect(await sessions()).toEqual([{ id: 's3', project: 'q' }])
  })

  test('takes tokens away where it outranks one that has more, and says so', async () => {
    const { at, analysis, sides } = await scene({ 'p/a.jsonl': tokens(60) })
    await sides.ship(ALL)
    rmSync(at('p/a.jsonl'))
    writeFileSync(at('p/c.jsonl'), tokens(80, { sidechain: true }))
    await look(analysis, sides)
    expect((await told(sides.legacy)).tokens).toBe(80)
    await expectThroughout(sides, { tokens: 60, archived: -20, users: { ann: 60 } })
  })

  test('counts for whoever may see it, and the one on disk for nobody', async () => {
    const { at, analysis, sides } = await scene({ 'p/a.jsonl': tokens(80) })
    await sides.ship(ALL)
    rmSync(at('p/a.jsonl'))
    writeTranscriptsIn(at, { 'q/c.jsonl': tokens(60) })
    await look(analysis, sides)
    const inP = { tokens: 80, archived: 80, users: { ann: 80 } }
    const inQ = { tokens: 0, archived: -60, users: {} }
    expect(await told(sides.hybrid, [{ projects: ['p'] }])).toEqual(inP)
    expect(await told(sides.hybrid, [{ projects: ['q'] }])).toEqual(inQ)
    await expectBesideFiles(sides, inP, [{ projects: ['p'] }])
    await expectBesideFiles(sides, inQ, [{ projects: ['q'] }])
    await sides.ship(ALL)
    expect(await told(sides.clickhouse, [{ projects: ['p'] }])).toEqual(inP)
    expect(await told(sides.clickhouse, [{ projects: ['q'] }])).toEqual(inQ)
  })

  test('counts also where thousands of them come to disk at once, as when an old session is resumed', async () => {
    const lines = (total: number): string =>
      Array.from({ length: 1500 }, (_, i) => tokens(total, { id: `msg_${i}` })).join('')
    const { at, db, analysis, sides } = await scene({ 'p/a.jsonl': lines(80) })
    await sides.ship(ALL)
    rmSync(at('p/a.jsonl'))
    writeFileSync(at('p/c.jsonl'), lines(60))
    await look(analysis, sides)
    expect(await told(sides.hybrid)).toEqual({ tokens: 120_000, archived: 30_000, users: { ann: 120_000 } })
    // of too many nobody can say which copy counts
    const logs = sides.ledger.states().map((state) => sides.ledger.nameOf(state))
    const digests = Array.from({ length: 1500 }, (_, i) => identityDigest(`message:msg_${i}`))
    const ask = (most = 100_000) =>
      createPublishedRecords(db, { prices: TEST_PRICES, maxCopies: most }).copiesIn(
        logs,
        Buffer.from(digests.join(''), 'hex'),
      )
    expect(await ask()).toHaveLength(1500)
    await expect(ask(1499)).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' })
  })

  const OWNERS: [string, archived: Journaled[], onDisk: Journaled[], Told][] = [
    [
      // on disk alone, bob was first
      'is what somebody owns the record by, though it is outranked by one of theirs on disk',
      [{ user: 'ann', stamp: 1000, total: 50 }],
      [
        { user: 'bob', stamp: 2000, total: 90 },
        { user: 'ann', stamp: 3000, total: 70 },
      ],
      { tokens: 70, archived: -20, users: { ann: 70 } },
    ],
    [
      // of the archived ones alone, bob was first
      'counts where one on disk says that it is the owner’s',
      [
        { user: 'bob', stamp: 2000, total: 90 },
        { user: 'ann', stamp: 3000, total: 70 },
      ],
      [{ user: 'ann', stamp: 1000, total: 10 }],
      { tokens: 70, archived: 60, users: { ann: 70 } },
    ],
    [
      'without a stamp is before all others, and of two the one that stands before the other',
      [
        { user: 'cid', stamp: 0, total: 20 },
        { user: 'bob', stamp: 0, total: 90 },
      ],
      [{ user: 'bob', stamp: 1000, total: 30 }],
      { tokens: 20, archived: -10, users: { cid: 20 } },
    ],
  ]
  test.each(OWNERS)('by mutation %s', async (_, archived, onDisk, expected) => {
    const { folder, db, analysis, sides } = await scene({})
    archived.forEach((copy, n) => {
      journal(analysis, 'segment-1', { ...copy, n })
    })
    await sides.ship(ALL)
    await sides.close()
    // another instance, with another journal, goes on
    const other = analysisOf(folder)
    await other.refresh()
    onDisk.forEach((copy, n) => {
      journal(other, 'segment-2', { ...copy, n })
    })
    const after = await openSides({ analysis: other, db, ledgerPath: join(folder, 'ledger-2') })
    await expectThroughout(after, expected)
  })
})

describe('a transcript that is pruned', () => {
  test('is not what comes to disk under its number and path, whatever its length', async () => {
    const { folder, at, analysis, sides } = await scene({ 'p/a.jsonl': tokens(80) })
    await sides.ship(ALL)
    // as when the file system gives the number of a file that is gone to the next one
    const gone = join(folder, 'gone')
    renameSync(at('p/a.jsonl'), gone)
    await look(analysis, sides)
    writeFileSync(gone, tokens(80, { id: 'msg_2' }))
    renameSync(gone, at('p/a.jsonl'))
    await look(analysis, sides)
    expect(analysis.shipping.unshippedBytes()).toBeGreaterThan(0)
    await expectThroughout(sides, { tokens: 160, archived: 80, users: { ann: 160 } })
  })
})

describe('a copy that an instance has not on its disk', () => {
  test('counts there where it outranks those that are: of a log that is elsewhere, and of one that lags behind', async () => {
    const { folder, at, analysis, sides } = await scene({ 'p/a.jsonl': tokens(10, { id: 'msg_0' }) })
    await sides.ship(ALL)
    const second = makeFolder()
    const there = (name: string): string => join(second, 'projects', name)
    cpSync(join(folder, 'projects'), join(second, 'projects'), { recursive: true })
    const behind = analysisOf(second)
    await behind.refresh()
    const other = await sides.readAlong(behind)
    const expectTokens = async (expected: number): Promise<void> => {
      await behind.refresh()
      await other.prove()
      expect((await told(other.hybrid)).tokens).toBe(expected)
      expect((await told(sides.clickhouse)).tokens).toBe(expected)
    }
    await expectTokens(10)
    // a response as it grows, of which the other disk has the first line by now
    appendFileSync(at('p/a.jsonl'), tokens(60) + tokens(80))
    appendFileSync(there('p/a.jsonl'), tokens(60))
    await look(analysis, sides)
    await sides.ship(ALL)
    await other.update(sides.ledger.states())
    await expectTokens(90)
    writeTranscriptsIn(at, { 'q/b.jsonl': tokens(7, { id: 'msg_2' }) })
    writeTranscriptsIn(there, { 'q/c.jsonl': tokens(5, { id: 'msg_2' }) })
    await look(analysis, sides)
    await sides.ship(ALL)
    await other.update(sides.ledger.states())
    await expectTokens(97)
  })
})
