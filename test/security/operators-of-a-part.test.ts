import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Role } from '../../src/access/roles.ts'
import type { Scope } from '../../src/domain/scope.ts'
import { post } from '../support/graphql-client.ts'
import { startServer } from '../support/server.ts'
import { openSocket, subscribe } from '../support/small-subscriptions.ts'
import { BOB, METRICS, OPERATOR, SHOP, startTwoUsers, values } from '../support/two-users.ts'
import { until } from '../support/until.ts'

describe('an operator who sees a part', () => {
  test('does nothing that is about the whole service', async () => {
    const server = await startTwoUsers()
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
    const server = await startTwoUsers()
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
    const server = await startTwoUsers()
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
    const server = await startTwoUsers()
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
