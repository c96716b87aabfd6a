import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, inject, test } from 'vitest'
import type { Role } from '../../src/access/roles.ts'
import type { Scope } from '../../src/domain/scope.ts'
import { createSchema } from '../../src/graphql/schema.ts'
import { run } from '../support/cli.ts'
import { everythingOf } from '../support/every-field.ts'
import { post } from '../support/graphql-client.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { openSocket, subscribe } from '../support/small-subscriptions.ts'
import { line, makeFolder } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

const ANN: Scope[] = [{ users: ['ann'] }]
const BOB: Scope[] = [{ users: ['bob'] }]
const SHOP: Scope[] = [{ projects: ['shop'] }]
const OPERATOR: Role[] = ['viewer', 'operator']
/** Every name and figure that is bob's alone begins so, or is this. */
const OF_BOB = /bob|tower|7654321/

/** Transcripts of ann on laptop and of bob on tower; both work in shop, and bob in a project of his own. */
async function start(settings: Record<string, string> = {}): Promise<TestServer> {
  const folder = makeFolder()
  const write = (root: string, file: string, lines: string[]): void => {
    const path = join(folder, root, 'projects', file)
    mkdirSync(join(path, '..'), { recursive: true })
    writeFileSync(path, lines.map((one) => `${one}\n`).join(''))
  }
  write('ann', 'shop/a.jsonl', [line({ id: 'msg_1', session: 's-ann', usage: { output_tokens: 10 } })])
  write('bob', 'shop/b.jsonl', [
    line({ id: 'msg_2', session: 's-shared', usage: { output_tokens: 20 } }),
    line({ id: 'msg_2', session: 's-shared', usage: { output_tokens: 20 } }),
    '{"broken',
    JSON.stringify({ type: 'custom-title', customTitle: "bob's title", sessionId: 's-bob' }),
  ])
  write('bob', 'bobs/c.jsonl', [
    line({ id: 'msg_3', session: 's-bob', branch: 'bobs', model: 'bobs-model', usage: { output_tokens: 7_654_321 } }),
  ])
  return startServer(folder, {
    TRANSCRIPTS_DIR: `ann@laptop=${join(folder, 'ann')},bob@tower=${join(folder, 'bob')}`,
    ...settings,
  })
}

const METRICS = `query ($filter: TokenFilter) { tokenMetrics(filter: $filter) {
  recordCount sessionCount tokens { output } byProject { project } byUser { user recordCount } byHost { host }
  breakdown(by: [USER, PROJECT]) { values { value } recordCount }
  timeSeries(granularity: DAY) { recordCount }
  sessions { totalCount edges { node { id } } }
  quality { duplicateLines refused { reason count } unpricedTokens }
  provenance { cache source }
} }`

const metrics = async (server: TestServer, access: readonly Scope[], filter: object = {}, roles: Role[] = ['viewer']) =>
  (await server.ask(METRICS, { filter }, roles, { access, user: 'vera' })).data.tokenMetrics

const values = (rows: { values: { value: string }[] }[]): string[] =>
  rows.map((row) => row.values.map(({ value }) => value).join(' ')).sort()

describe('two viewers who see different parts', () => {
  test.each(['memory', 'Redis'])(
    'get each their own figures to the same question, also from the cache: %s',
    async (kind) => {
      const server = await start(kind === 'Redis' ? { REDIS_URL: inject('redisUrl') } : {})
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
    const server = await start()
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
    const server = await start({ CLICKHOUSE_EMBEDDED: 'on', RESCAN_INTERVAL_MS: '200' })
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

describe('an operator who sees a part', () => {
  test('does nothing that is about the whole service', async () => {
    const server = await start()
    const asked = async (query: string, access: readonly Scope[]) =>
      (await server.ask(query, {}, OPERATOR, { access })).errors?.[0]
    for (const query of [
      '{ migration { id } }',
      '{ migrationPlan { files } }',
      'mutation { startMigration { id } }',
      'mutation { rollbackMigration(id: "x") { id } }',
      'mutation { backupMigration { folder } }',
      'mutation { restoreMigration(name: "x") { folder } }',
    ]) {
      expect(await asked(query, SHOP), query).toMatchObject({
        message: expect.stringContaining('needs a token that sees everything'),
        extensions: { code: 'FORBIDDEN' },
      })
      expect((await asked(query, [{}]))?.extensions.code, query).not.toBe('FORBIDDEN')
    }
    const scrape = async (roles: Role[], access: readonly Scope[]) => {
      const headers = { authorization: `Bearer ${await server.token(roles, 'vera', access)}` }
      return (await fetch(`${server.url}/metrics`, { headers })).status
    }
    expect(await scrape(OPERATOR, SHOP)).toBe(403)
    expect(await scrape(OPERATOR, [{}])).toBe(200)
    // it shows no names, and reads nothing else
    expect(await scrape(['scraper'], [])).toBe(200)
    const { send, messages } = await openSocket(server.url, await server.token(OPERATOR, 'vera', SHOP))
    send(subscribe('1', 'subscription { migrationProgressed(id: "x") { id } }'))
    const told = () => JSON.stringify(messages.slice(1))
    await until('an answer', () => messages.length > 1 || undefined)
    expect(told()).toContain('needs a token that sees everything')
  })

  const CREATE = `mutation ($input: MachineTokenInput!) { createMachineToken(input: $input) {
    token machineToken { id access { users projects hosts } } } }`
  const LIST = '{ machineTokens { id access { users projects hosts } } }'

  test('makes tokens that see no more, and lists and takes away those alone', async () => {
    const server = await start()
    const own: Scope[] = [{ projects: ['shop', 'zoo'] }, { users: ['vera'] }]
    const make = (access: readonly Scope[] | null, by = own, roles = ['viewer'], userId = 'vera') =>
      server.ask(CREATE, { input: { userId, roles, access } }, OPERATOR, { access: by })
    const made = (await make([{ users: ['ann'], projects: ['shop'] }])).data.createMachineToken
    expect(made.machineToken.access).toEqual([{ users: ['ann'], projects: ['shop'], hosts: null }])
    expect((await make([])).errors).toBeUndefined()
    for (const access of [
      null,
      [{}],
      BOB,
      [{ users: ['vera'] }, { hosts: ['laptop'] }],
      [{ projects: ['shop', 'bobs'] }],
      // each within one of them: not in parts of two
      [{ users: ['vera', 'ann'] }],
    ])
      expect((await make(access)).errors?.[0]?.extensions, JSON.stringify(access)).toMatchObject({
        code: 'FORBIDDEN',
        argument: 'input.access',
      })
    // what is a user's, whatever a token sees, and roles that the maker does not have
    expect((await make(SHOP, own, ['viewer'], 'bob')).errors?.[0]?.extensions.argument).toBe('input.userId')
    for (const role of ['scraper', 'ingester'])
      expect((await make(SHOP, own, [role])).errors?.[0]?.extensions.argument).toBe('input.roles')
    expect((await make(SHOP, own, ['operator'])).errors).toBeUndefined()
    const all = (await make(BOB, [{}])).data.createMachineToken
    const list = async (access: readonly Scope[]) =>
      (await server.ask(LIST, {}, OPERATOR, { access })).data.machineTokens.map(({ id }: { id: string }) => id)
    expect(await list(own)).not.toContain(all.machineToken.id)
    expect(await list(own)).toHaveLength(3)
    expect(await list([{}])).toHaveLength(4)
    const revoke = async (target: string, access: readonly Scope[]) =>
      (await server.ask(`mutation { revokeAccess(${target}, reason: "x") }`, {}, OPERATOR, { access })).errors?.[0]
        ?.extensions.argument
    expect(await revoke('userId: "vera"', own)).toBe('userId')
    expect(await revoke(`tokenId: "${all.machineToken.id}"`, own)).toBe('tokenId')
    expect(await revoke(`tokenId: "${made.machineToken.id}"`, own)).toBeUndefined()
    expect((await post(server.url, made.token, { query: '{ viewer { userId } }' })).status).toBe(401)
    expect((await post(server.url, all.token, { query: '{ viewer { userId } }' })).status).toBe(200)
  })

  test('neither lists nor takes away a scraper, which sees figures of everything whatever its scopes', async () => {
    const server = await start()
    const input = { userId: 'prometheus', roles: ['scraper'], access: [] }
    const { token, machineToken } = (await server.ask(CREATE, { input }, OPERATOR)).data.createMachineToken
    for (const access of [SHOP, []]) {
      expect((await server.ask(LIST, {}, OPERATOR, { access })).data.machineTokens).toEqual([])
      const revoke = `mutation { revokeAccess(tokenId: "${machineToken.id}", reason: "x") }`
      expect((await server.ask(revoke, {}, OPERATOR, { access })).errors?.[0]?.extensions.code).toBe('FORBIDDEN')
    }
    const headers = { authorization: `Bearer ${token}` }
    expect((await fetch(`${server.url}/metrics`, { headers })).status).toBe(200)
    expect((await server.ask(LIST, {}, OPERATOR)).data.machineTokens).toHaveLength(1)
  })

  test('finds the scopes of a token again after a restart, and the token obeys them', async () => {
    const server = await start()
    const input = { userId: 'machine', roles: ['viewer'], access: [{ users: ['bob', 'ann', 'ann'] }, { projects: [] }] }
    const { token } = (await server.ask(CREATE, { input }, OPERATOR)).data.createMachineToken
    await server.close()
    const again = await startServer(server.folder, { TRANSCRIPTS_DIR: `bob@tower=${join(server.folder, 'bob')}` })
    const { data } = await again.ask(LIST, {}, OPERATOR)
    expect(data.machineTokens).toMatchObject([{ access: [{ users: ['ann', 'bob'], projects: null, hosts: null }] }])
    const { tokenMetrics } = (await post(again.url, token, { query: METRICS })).data
    expect(values(tokenMetrics.breakdown)).toEqual(['bob bobs', 'bob shop'])
  })
})

describe('records that are lost', () => {
  test('are told as a number to those who see everything; to others it is told that the answer may lack some', async () => {
    const server = await start()
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
    const server = await start()
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
