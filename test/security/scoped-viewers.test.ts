import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, inject, test } from 'vitest'
import type { Role } from '../../src/access/roles.ts'
import type { Scope } from '../../src/domain/scope.ts'
import { createSchema } from '../../src/graphql/schema.ts'
import { run } from '../support/cli.ts'
import { everythingOf } from '../support/every-field.ts'
import { post } from '../support/graphql-client.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { ANN, BOB, METRICS, OPERATOR, SHOP, startTwoUsers, values } from '../support/two-users.ts'
import { until } from '../support/until.ts'

/** Every name and figure that is bob's alone begins so, or is this. */
const OF_BOB = /bob|tower|7654321/

const metrics = async (server: TestServer, access: readonly Scope[], filter: object = {}, roles: Role[] = ['viewer']) =>
  (await server.ask(METRICS, { filter }, roles, { access, user: 'vera' })).data.tokenMetrics

describe('two viewers who see different parts', () => {
  test.each(['memory', 'Redis'])(
    'get each their own figures to the same question, also from the cache: %s',
    async (kind) => {
      const server = await startTwoUsers(kind === 'Redis' ? { REDIS_URL: inject('redisUrl') } : {})
      for (const cache of ['MISS', 'HIT']) {
        const [ann, bob] = [await metrics(server, ANN), await metrics(server, BOB)]
        expect([ann.provenance.cache, bob.provenance.cache]).toEqual([cache, cache])
        expect(ann).toMatchObject({
          recordCount: '1',
          sessionCount: 1,
          tokens: { output: '10' },
          byProject: [{ project: 'shop' }],
          byUser: [{ user: 'ann', recordCount: '1' }],
          byHost: [{ host: 'laptop' }],
          timeSeries: [{ recordCount: '1' }],
          sessions: { totalCount: 1, edges: [{ node: { id: 's-ann' } }] },
          quality: { duplicateLines: '0', refused: [], unpricedTokens: '0' },
        })
        expect(values(ann.breakdown)).toEqual(['ann shop'])
        expect(bob).toMatchObject({ recordCount: '2', sessionCount: 2, tokens: { output: '7654341' } })
        expect(bob.quality).toMatchObject({ duplicateLines: '1', refused: [{ reason: 'malformed_json', count: '1' }] })
        expect(values(bob.breakdown)).toEqual(['bob bobs', 'bob shop'])
      }
      // the same scopes, in another order and with others inside them
      expect(
        (await metrics(server, [{ users: ['bob'], projects: ['shop'] }, { users: ['bob', 'bob'] }])).provenance,
      ).toEqual({ cache: 'HIT', source: 'LEGACY' })
      expect(values((await metrics(server, [...ANN, ...SHOP])).breakdown)).toEqual(['ann shop', 'bob shop'])
      expect((await metrics(server, [])).recordCount).toBe('0')
      expect((await metrics(server, [{}])).recordCount).toBe('3')
    },
  )

  test('find nothing by asking for what is not theirs: a name that is there looks like one that is not', async () => {
    const server = await startTwoUsers()
    for (const filter of [
      { users: ['bob'] },
      { projects: ['bobs'] },
      { sessionIds: ['s-bob'] },
      { models: ['bobs-model'] },
    ]) {
      const { provenance: _, quality: __, ...found } = await metrics(server, ANN, filter)
      const { provenance: ___, quality: ____, ...none } = await metrics(server, ANN, { users: ['nobody'] })
      expect(found).toEqual(none)
    }
    const session = async (id: string, access: readonly Scope[]) =>
      (
        await server.ask('query ($id: ID!) { session(id: $id) { id user recordCount } }', { id }, ['viewer'], {
          access,
        })
      ).data.session
    expect(await session('s-bob', ANN)).toBeNull()
    expect(await session('s-bob', BOB)).toEqual({ id: 's-bob', user: 'bob', recordCount: '1' })
    expect(await session('s-ann', ANN)).toMatchObject({ id: 's-ann' })
  })
})

describe('whoever sees nothing of somebody', () => {
  /** What is asked of every field of the schema there is, by whoever has these roles. */
  const told = async (server: TestServer, roles: Role[], access: readonly Scope[]) => {
    const fields = Object.values((await createSchema()).getQueryType()?.getFields() ?? {})
    const answers: Record<string, { data?: Record<string, unknown>; code?: string }> = {}
    for (const field of fields) {
      const { data, errors } = await server.ask(`{ ${everythingOf(field)} }`, {}, roles, { access, user: 'vera' })
      answers[field.name] = { data, ...(errors?.[0] && { code: errors[0].extensions.code }) }
      expect(errors?.[0]?.extensions.code ?? 'FORBIDDEN', JSON.stringify(errors)).toBe('FORBIDDEN')
    }
    return answers
  }

  test('is told nothing of them by any field, from the files or from ClickHouse', async () => {
    const server = await startTwoUsers({ CLICKHOUSE_EMBEDDED: 'on', RESCAN_INTERVAL_MS: '200' })
    const check = async (source: string): Promise<void> => {
      for (const access of [ANN, []])
        for (const roles of [['viewer'], OPERATOR] as Role[][]) {
          const answers = await told(server, roles, access)
          expect(answers.tokenMetrics?.data, source).toMatchObject({
            tokenMetrics: { recordCount: access === ANN ? '1' : '0', provenance: { source } },
          })
          expect(JSON.stringify(answers)).not.toMatch(OF_BOB)
          expect(JSON.stringify(answers)).not.toContain(server.folder)
          expect(answers.migration?.code).toBe('FORBIDDEN')
        }
      // the same questions, of somebody who may know: they would have shown it
      const all = await told(server, OPERATOR, [{}])
      expect(JSON.stringify(all.tokenMetrics)).toMatch(/bobs.*7654321|7654321.*bobs/)
      expect(all.session?.data?.session).not.toBeNull()
    }
    await check('LEGACY')
    const { errors } = await server.ask('mutation { startMigration { id } }', {}, ['operator'])
    expect(errors).toBeUndefined()
    const sourceIs = (source: string) =>
      until(source, async () => ((await metrics(server, ANN)).provenance.source === source ? true : undefined))
    await sourceIs('CLICKHOUSE')
    await check('CLICKHOUSE')
  })
})

describe('records that are lost', () => {
  test('are told as a number to those who see everything; to others it is told that the answer may lack some', async () => {
    const server = await startTwoUsers()
    const mutation = `mutation { ingestTokenRecords(input: { records: [{ sessionId: "s", project: "bobs", model: "m", occurredAt: "2026-04-02T09:00:00Z", tokens: { input: "1", output: "1" } }] }) { accepted } }`
    expect((await server.ask(mutation, {}, ['ingester'], { user: 'bob' })).data.ingestTokenRecords.accepted).toBe(1)
    await server.close()
    rmSync(join(server.folder, 'data', 'journal'), { recursive: true })
    const again = await startServer(server.folder, { TRANSCRIPTS_DIR: `ann@laptop=${join(server.folder, 'ann')}` })
    const told = async (access: readonly Scope[]) => {
      const query = '{ tokenMetrics { quality { missingRecords } provenance { stale } } }'
      const { quality, provenance } = (await again.ask(query, {}, ['viewer'], { access })).data.tokenMetrics
      return [quality.missingRecords, provenance.stale]
    }
    expect(await told([{}])).toEqual(['1', true])
    expect(await told(ANN)).toEqual(['0', true])
  })
})

describe('token-bridge token', () => {
  test('prints a token that sees what --access says, and refuses what is no list of scopes', async () => {
    const server = await startTwoUsers()
    const settings = { DATA_DIR: join(server.folder, 'data') }
    const token = (access: string) =>
      run(['token', '--user', 'vera', '--roles', 'viewer', '--access', access], server.folder, settings)
    const { stdout, code } = await token(JSON.stringify(SHOP))
    expect(code).toBe(0)
    const { tokenMetrics } = (await post(server.url, stdout.trim(), { query: METRICS })).data
    expect(values(tokenMetrics.breakdown)).toEqual(['ann shop', 'bob shop'])
    for (const odd of ['', 'all', '{}', '[{"user":["ann"]}]', '[{"users":"ann"}]', '[null]']) {
      const refused = await token(odd)
      expect([refused.code, refused.stdout]).toEqual([2, ''])
      expect(refused.stderr).toContain('--access')
    }
  })
})
