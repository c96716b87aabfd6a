import { appendFileSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, inject, test } from 'vitest'
import { generateCorpus } from '../../corpus/generate.ts'
import type { GraphQLAnswer } from '../support/graphql-client.ts'
import { startServer } from '../support/server.ts'
import { small } from '../support/small-transcripts.ts'
import { line, makeFolder, writeTranscripts } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

const _TOKENS = 'tokens { input output cacheCreation cacheRead total } recordCount'

const codes = ({ errors }: GraphQLAnswer) => errors?.map(({ extensions }) => [extensions.code, extensions.argument])

describe('session', () => {
  test('is found by its id, or null', async () => {
    const { ask } = await startServer(small())
    const { data } = await ask(
      '{ a: session(id: "s1") { id recordCount byModel { model } provenance { source } } b: session(id: "none") { id } }',
    )
    expect(data).toMatchObject({
      a: { id: 's1', recordCount: '2', byModel: [{}, {}], provenance: { source: 'LEGACY' } },
      b: null,
    })
  })

  test('pages hold every session once', async () => {
    const folder = makeFolder()
    generateCorpus({ seed: 5, files: 30, megabytes: 1, out: folder })
    const { ask } = await startServer(folder)
    const seen: string[] = []
    let after: string | null = null
    do {
      const { data } = await ask(
        'query ($after: String) { tokenMetrics { sessions(first: 7, after: $after, orderBy: COST_DESC) { totalCount pageInfo { hasNextPage endCursor } edges { node { id costUsd } } } } }',
        { after },
      )
      const { edges, pageInfo } = data.tokenMetrics.sessions
      seen.push(...edges.map(({ node }: { node: { id: string } }) => node.id))
      after = pageInfo.hasNextPage ? pageInfo.endCursor : null
    } while (after !== null)
    const truth = JSON.parse(readFileSync(join(folder, 'truth.json'), 'utf8'))
    expect(new Set(seen)).toEqual(new Set(Object.keys(truth.bySession)))
    expect(seen).toHaveLength(truth.sessionCount)
  })
})

describe('the cache', () => {
  const QUERY = '{ tokenMetrics { recordCount provenance { cache stale asOf } } }'

  test.each(['memory alone', 'Redis'])(
    'answers again at once, and says so; new lines make it stale, then new: %s',
    async (kind) => {
      const folder = small()
      // what is in Redis is believed by those who have a secret in common
      const AUTH_JWT_SECRET = 'a secret that both instances have, of enough bytes'
      const settings = kind === 'Redis' ? { REDIS_URL: inject('redisUrl'), AUTH_JWT_SECRET } : {}
      const server = await startServer(folder, settings)
      if (kind === 'Redis')
        await until('Redis', async () => {
          const { data } = await server.ask('{ health { components { name state } } }')
          return (
            data.health.components.some(
              (c: { name: string; state: string }) => c.name === 'redis' && c.state === 'UP',
            ) || undefined
          )
        })
      const metrics = async (from = server) => (await from.ask(QUERY)).data.tokenMetrics
      // an answer that is made while the transcripts are being looked at is not kept for long
      await until('a hit', async () => ((await metrics()).provenance.cache === 'HIT' ? true : undefined))
      if (kind === 'Redis') {
        const second = await startServer(folder, { ...settings, DATA_DIR: join(folder, 'other') })
        expect((await metrics(second)).provenance.cache).toBe('HIT')
      }
      appendFileSync(join(folder, 'projects', 'shop', 'a.jsonl'), `${line({ id: 'msg_4' })}\n`)
      const fresh = await until('the new answer', async () => {
        const now = await metrics()
        return now.recordCount === '4' ? now : undefined
      })
      expect(fresh.provenance.stale).toBe(fresh.provenance.cache === 'STALE')
    },
  )

  test('with a Redis that is away costs speed alone', async () => {
    const { ask } = await startServer(small(), { REDIS_URL: 'redis://127.0.0.1:1' })
    expect((await ask(QUERY)).data.tokenMetrics.recordCount).toBe('3')
    const { data } = await ask('{ health { state components { name state detail } } }', {}, ['operator'])
    expect(data.health).toMatchObject({ state: 'DEGRADED' })
    expect(data.health.components).toContainEqual({
      name: 'redis',
      state: 'DEGRADED',
      detail: expect.stringContaining('ECONNREFUSED'),
    })
  })
})

describe('the server', () => {
  test('notices new lines, new files and removed files within seconds', async () => {
    const folder = small()
    const { ask } = await startServer(folder, { RESCAN_INTERVAL_MS: '60000' })
    const count = async () => (await ask('{ tokenMetrics { recordCount } }')).data.tokenMetrics.recordCount
    expect(await count()).toBe('3')
    appendFileSync(join(folder, 'projects', 'shop', 'a.jsonl'), `${line({ id: 'msg_4' })}\n`)
    await until('the new line', async () => ((await count()) === '4' ? true : undefined))
    writeTranscripts(folder, { 'new/deep/c.jsonl': [line({ id: 'msg_5' })] })
    await until('the new file', async () => ((await count()) === '5' ? true : undefined))
    rmSync(join(folder, 'projects', 'notes'), { recursive: true })
    await until('the removed file', async () => ((await count()) === '4' ? true : undefined))
  })

  test('notices by rescans what a watcher misses', async () => {
    const folder = makeFolder()
    const { ask } = await startServer(folder, {
      TRANSCRIPTS_DIR: '',
      CLAUDE_CONFIG_DIR: '',
      HOME: join(folder, 'home'),
      RESCAN_INTERVAL_MS: '100',
    })
    const metrics = async () => (await ask('{ tokenMetrics { recordCount provenance { sample } } }')).data.tokenMetrics
    expect((await metrics()).provenance.sample).toBe(true)
    // a root that did not exist when the watcher was started; the sample and real records never mix
    writeTranscripts(join(folder, 'home', '.claude'), { 'shop/a.jsonl': [line()] })
    const real = await until('real records', async () => {
      const now = await metrics()
      return now.provenance.sample ? undefined : now
    })
    expect(real).toEqual({ recordCount: '1', provenance: { sample: false } })
  })

  test('serves the sample, marked as such, where there are no transcripts', async () => {
    const { ask, app } = await startServer(makeFolder())
    const { data } = await ask(
      '{ tokenMetrics { tokens { total } provenance { sample } sessions { edges { node { provenance { sample } } } } } health { state components { name state detail } } }',
      {},
      ['operator'],
    )
    expect(data.tokenMetrics.provenance.sample).toBe(true)
    expect(BigInt(data.tokenMetrics.tokens.total)).toBeGreaterThan(0n)
    for (const { node } of data.tokenMetrics.sessions.edges) expect(node.provenance.sample).toBe(true)
    expect(data.health.components[0]).toEqual({ name: 'enhanced-analysis', state: 'UP', detail: 'the built-in sample' })
    expect(app.isSample()).toBe(true)
  })

  test('says in a line of the log that transcripts have come after a start on the sample, and counts them', async () => {
    const folder = makeFolder()
    const { ask, log } = await startServer(folder, { RESCAN_INTERVAL_MS: '100' })
    expect(log()).not.toContain('have come')
    writeTranscripts(folder, { 'p/a.jsonl': [line({ id: 'msg_1' })] })
    await until('the line', () => log().includes('transcripts or records have come') || undefined)
    const { data } = await ask('{ tokenMetrics { recordCount provenance { sample } } }')
    expect(data.tokenMetrics).toEqual({ recordCount: '1', provenance: { sample: false } })
  })

  test('sends whoever subscribes over HTTP to the WebSocket', async () => {
    const { ask } = await startServer(small())
    const all = ['viewer', 'ingester', 'operator'] as const
    for (const query of [
      'subscription { tokenMetricsUpdated { recordCount } }',
      'subscription { migrationProgressed(id: 1) { id } }',
    ]) {
      const answer = await ask(query, {}, all)
      expect(answer.status, query).toBe(400)
      expect(codes(answer), query).toEqual([['BAD_REQUEST', undefined]])
      expect(answer.errors?.[0]?.message).toContain('WebSocket')
    }
  })

  test('tells who asks and which source answers them', async () => {
    const { ask } = await startServer(small())
    const { data } = await ask('{ viewer { userId roles cohort preference decision { source reason } } }', {}, [
      'operator',
      'viewer',
    ])
    expect(data.viewer).toEqual({
      userId: 'ann',
      roles: ['operator', 'viewer'],
      cohort: null,
      preference: 'AUTO',
      decision: { source: 'LEGACY', reason: 'BRIDGE_DISABLED' },
    })
  })
})
