// The sources obey the scopes of a token (scoped-answers). Between them and whoever asks, answers are remembered: as
// values in memory and in Redis, as responses, and by those who follow. One that was made for somebody else is told there.
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, inject, test } from 'vitest'
import type { Scope } from '../../src/domain/scope.ts'
import { ALL_CASES } from '../support/all-cases.ts'
import { anyScope, anyWorld, NINE, type Raw, type World, write } from '../support/scoped-worlds.ts'
import { sentAgain } from '../support/sent-again.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { openSocket, subscribe } from '../support/small-subscriptions.ts'
import { until } from '../support/until.ts'

const FIGURES = `recordCount sessionCount tokens { output } byUser { user recordCount } byProject { project } byHost { host }
  breakdown(by: [USER, PROJECT, HOST]) { values { value } recordCount } timeSeries(granularity: HOUR) { recordCount }
  sessions { totalCount edges { node { id user project host recordCount startedAt } } } provenance { cache }`
const QUERY = `query ($filter: TokenFilter) { tokenMetrics(filter: $filter) { ${FIGURES} } }`
const LIVE = `subscription ($filter: TokenFilter) { tokenMetricsUpdated(filter: $filter) { ${FIGURES} } }`
const INGEST =
  'mutation ($input: IngestTokenRecordsInput!) { ingestTokenRecords(input: $input) { accepted rejected { message } } }'

interface Figures {
  byUser: { user: string }[]
  byProject: { project: string }[]
  byHost: { host: string }[]
  provenance: { cache: string }
}

/** A question, of somebody who sees this part. */
interface Asked {
  scope: Scope
  filter: Scope
}

const anyAsked = fc.record({ scope: anyScope, filter: fc.oneof(fc.constant<Scope>({}), anyScope) })
// two parts that differ, so that an answer to the wrong one is seen, and any others
const OF_ANN_AND_BOB: World['journaled'] = ['ann', 'bob'].map((user, i) => {
  return { id: 21 + i, session: 's1', time: NINE, user, project: 'p', host: 'laptop' }
})
const anyWorldOfBoth = anyWorld.map(
  (world): World => ({ ...world, journaled: [...OF_ANN_AND_BOB, ...world.journaled] }),
)
const anyAskers = fc
  .array(anyAsked, { maxLength: 3 })
  .map((more): Asked[] => [
    { scope: { users: ['ann'] }, filter: {} },
    { scope: { users: ['bob'] }, filter: {} },
    ...more,
  ])

/** The filter of somebody who sees everything that asks for the same. */
function sameByFilter({ scope, filter }: Asked): Scope {
  const both = (a: readonly string[] | undefined, b: readonly string[] | undefined) =>
    a === undefined ? b : b === undefined ? a : a.filter((name) => b.includes(name))
  return {
    users: both(scope.users, filter.users),
    projects: both(scope.projects, filter.projects),
    hosts: both(scope.hosts, filter.hosts),
  }
}

const figuresOf = ({ provenance: _, ...figures }: Figures) => figures

async function ask(server: TestServer, filter: Scope, access: Scope): Promise<Figures> {
  const { data, errors } = await server.ask(QUERY, { filter }, ['viewer'], { access: [access], user: 'vera' })
  expect(errors).toBeUndefined()
  return data.tokenMetrics
}

async function ingest(server: TestServer, raw: readonly Raw[]): Promise<void> {
  const records = raw.map(({ id, user, project, host, session, time, output }) => ({
    messageId: id,
    user,
    project,
    host,
    sessionId: session,
    model: 'm',
    occurredAt: new Date(time).toISOString(),
    tokens: { input: '1', output: String(output) },
  }))
  if (records.length === 0) return
  const { data } = await server.ask(INGEST, { input: { records } }, ['ingester'], { user: 'ingester' })
  expect(data.ingestTokenRecords).toEqual({ accepted: records.length, rejected: [] })
}

/** Instances over the same transcripts, with one Redis and one journal. */
function instancesOf(world: World) {
  const { folder, roots, raw } = write(world)
  const secret = randomBytes(32).toString('hex')
  const start = (name: string) =>
    startServer(folder, {
      DATA_DIR: join(folder, name),
      JOURNAL_DIR: join(folder, 'journal'),
      JOURNAL_KEY: Buffer.alloc(32, 7).toString('hex'),
      AUTH_JWT_SECRET: secret,
      REDIS_URL: inject('redisUrl'),
      TRANSCRIPTS_DIR: roots.map(({ user, host, path }) => `${user}@${host}=${path}`).join(','),
    })
  return { journaled: raw.filter(({ byMutation }) => byMutation), start }
}

describe('whoever sees a part is told what the filter of that part gives to those who see everything', () => {
  test('by answers in memory and in Redis, by responses that are sent again, and by subscriptions', async () => {
    await fc.assert(
      fc.asyncProperty(anyWorldOfBoth, anyAskers, async (world, askers) => {
        const { journaled, start } = instancesOf(world)
        const server = await start('first')
        await ingest(server, journaled.slice(0, OF_ANN_AND_BOB.length))
        await checkRemembered(server, askers)
        // its memory is empty
        const second = await start('second')
        await checkShared(server, second, askers)
        await checkFollowers(server, askers, () => ingest(server, journaled.slice(OF_ANN_AND_BOB.length)))
        await Promise.all([server.close(), second.close()])
      }),
      // a smaller world is looked for in vain where each takes seconds
      { numRuns: ALL_CASES ? 25 : 2, endOnFailure: true },
    )
  })
})

/** The same questions again and again, each after those of all others, until responses of before are sent. */
async function checkRemembered(server: TestServer, askers: readonly Asked[]): Promise<void> {
  const caches = new Set<string>()
  await until('each question to be answered by what was sent before', async () => {
    const before = await sentAgain(server)
    for (const { scope, filter } of askers) {
      const told = await ask(server, filter, scope)
      caches.add(told.provenance.cache)
      const expected = await ask(server, sameByFilter({ scope, filter }), {})
      expect(figuresOf(told)).toEqual(figuresOf(expected))
    }
    return (await sentAgain(server)) - before === 2 * askers.length ? true : undefined
  })
  expect(caches).toContain('HIT')
}

/** What an instance finds in Redis, where another one has put it. */
async function checkShared(first: TestServer, second: TestServer, askers: readonly Asked[]): Promise<void> {
  await until('an answer out of Redis', async () => {
    const { data } = await second.ask('{ health { components { name state } } }', {}, ['operator'])
    return (
      data.health.components.some((one: object) => JSON.stringify(one) === '{"name":"redis","state":"UP"}') || undefined
    )
  })
  for (const { scope, filter } of askers) {
    const told = await ask(second, filter, scope)
    expect(told.provenance.cache).toBe('HIT')
    expect(figuresOf(told)).toEqual(figuresOf(await ask(first, sameByFilter({ scope, filter }), {})))
  }
}

/** Everybody follows, somebody brings records in, and each is told of theirs alone. */
async function checkFollowers(
  server: TestServer,
  askers: readonly Asked[],
  bringIn: () => Promise<void>,
): Promise<void> {
  const followers = await Promise.all(
    askers.map(async (asked) => {
      const socket = await openSocket(server.url, await server.token(['viewer'], 'vera', [asked.scope]))
      socket.send(subscribe('live', LIVE, { filter: asked.filter }))
      const told = () =>
        socket.messages.flatMap(({ payload }) => {
          const { data } = (payload ?? {}) as { data?: { tokenMetricsUpdated: Figures } }
          return data === undefined ? [] : [data.tokenMetricsUpdated]
        })
      await until('the first figures', () => told()[0])
      return { ...asked, told }
    }),
  )
  await bringIn()
  for (const { scope, filter, told } of followers) {
    const expected = figuresOf(await ask(server, sameByFilter({ scope, filter }), {}))
    const last = () => figuresOf(told().at(-1) as Figures)
    await until('the figures', () => JSON.stringify(last()) === JSON.stringify(expected) || undefined, 10).catch(() =>
      expect(last()).toEqual(expected),
    )
    for (const { byUser, byProject, byHost } of told()) {
      expect(scope.users ?? byUser.map(({ user }) => user)).toEqual(
        expect.arrayContaining(byUser.map(({ user }) => user)),
      )
      expect(scope.projects ?? byProject.map(({ project }) => project)).toEqual(
        expect.arrayContaining(byProject.map(({ project }) => project)),
      )
      expect(scope.hosts ?? byHost.map(({ host }) => host)).toEqual(
        expect.arrayContaining(byHost.map(({ host }) => host)),
      )
    }
  }
}
