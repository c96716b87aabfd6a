// Preferences and access of instances that share a database and no journal.
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDatabase } from '../../src/clickhouse/database.ts'
import {
  type ClickHouseServer,
  clickhouseSettings,
  PASSWORD,
  startClickHouseServer,
  USER,
} from '../support/clickhouse-server.ts'
import { post } from '../support/graphql-client.ts'
import { sentAgain } from '../support/sent-again.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { openSocket, subscribe } from '../support/small-subscriptions.ts'
import { startProxy } from '../support/tcp-proxy.ts'
import { makeFolder } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

let clickhouse: ClickHouseServer
let databases = 0
beforeAll(async () => {
  clickhouse = await startClickHouseServer()
})
afterAll(() => clickhouse.stop())

/** Instances with one database, each with a journal of its own. */
function scene() {
  const folder = makeFolder()
  const database = `state${databases++}`
  const start = (name: string, url = clickhouse.url): Promise<TestServer> =>
    startServer(folder, {
      DATA_DIR: join(folder, name),
      AUTH_JWT_SECRET: 'a secret that all instances share, of enough bytes',
      ...clickhouseSettings(url, database),
    })
  return { folder, database, start }
}

const choose = async (server: TestServer, preference: string): Promise<void> => {
  const { errors } = await server.ask(`mutation { setSourcePreference(preference: ${preference}) { preference } }`)
  expect(errors).toBeUndefined()
}
const whenPreferred = (server: TestServer, preference: string): Promise<true> =>
  until(`${preference} to be preferred`, async () => {
    const { data } = await server.ask('{ viewer { preference } }')
    return data.viewer.preference === preference ? true : undefined
  })
const operate = async (server: TestServer, mutation: string) => {
  const { data, errors } = await server.ask(`mutation { ${mutation} }`, {}, ['operator'], { user: 'olga' })
  expect(errors).toBeUndefined()
  return data
}

describe('instances with one database and journals of their own', () => {
  test('learn each other’s preferences, the latest of which counts', async () => {
    const { start } = scene()
    const first = await start('first')
    const second = await start('second')
    for (const [by, other, preference] of [
      [first, second, 'LEGACY'],
      [second, first, 'CLICKHOUSE'],
      [first, second, 'AUTO'],
    ] as const) {
      await choose(by, preference)
      await whenPreferred(other, preference)
    }
  })

  test('know what was chosen and revoked before they began, though the journal that had it is lost', async () => {
    const { folder, start } = scene()
    const first = await start('first')
    const second = await start('second')
    const made = `createMachineToken(input: { userId: "laptop", roles: ["viewer"], access: [{ users: ["ann"] }] }) { token machineToken { id } }`
    const { token, machineToken } = (await operate(first, made)).createMachineToken
    const codeAt = async ({ url }: TestServer): Promise<string | undefined> =>
      (await post(url, token, { query: '{ viewer { userId } }' })).errors?.[0]?.extensions.code
    expect(await codeAt(second)).toBeUndefined()
    const listed = await until('the token to be known', async () => {
      const { data } = await second.ask('{ machineTokens { id access { users } } }', {}, ['operator'])
      return data.machineTokens[0]
    })
    expect(listed).toEqual({ id: machineToken.id, access: [{ users: ['ann'] }] })
    await choose(first, 'LEGACY')
    await operate(first, `revokeAccess(tokenId: "${machineToken.id}", reason: "lost")`)
    await until('the revocation to be heard', async () => (await codeAt(second)) === 'UNAUTHENTICATED' || undefined)
    await whenPreferred(second, 'LEGACY')

    await first.close()
    rmSync(join(folder, 'first', 'journal'), { recursive: true })
    const again = await start('first')
    // whoever does not know yet does not let in
    const codes = new Set<string | undefined>()
    await until('the revocation to be known', async () => {
      codes.add(await codeAt(again))
      return codes.has('UNAUTHENTICATED') || undefined
    })
    expect([...codes].filter((code) => !['UNAUTHENTICATED', 'SOURCE_UNAVAILABLE'].includes(String(code)))).toEqual([])
    await whenPreferred(again, 'LEGACY')
  })

  test('hear of a revocation within a second, also where an answer is remembered, and on open sockets', async () => {
    const { start } = scene()
    const [first, second] = [await start('first'), await start('second')]
    const made = 'createMachineToken(input: { userId: "laptop", roles: ["viewer"] }) { token machineToken { id } }'
    const { token, machineToken } = (await operate(first, made)).createMachineToken
    const ask = () => post(second.url, token, { query: '{ tokenMetrics { recordCount } }' })
    await until('a response that is sent again', async () => {
      const before = await sentAgain(second)
      expect((await ask()).errors).toBeUndefined()
      return (await sentAgain(second)) > before || undefined
    })
    const { closed, messages, send } = await openSocket(second.url, token)
    send(subscribe('live', 'subscription { tokenMetricsUpdated { recordCount } }'))
    await until('the first figures', () => messages.find(({ type }) => type === 'next'))
    await operate(first, `revokeAccess(tokenId: "${machineToken.id}", reason: "lost")`)
    const revokedAt = performance.now()
    const outAfter = async (out: Promise<unknown>) => {
      await out
      return performance.now() - revokedAt
    }
    const times = await Promise.all([
      outAfter(until('the answer to be refused', async () => (await ask()).status === 401 || undefined)),
      outAfter(closed),
    ])
    expect(await closed).toEqual({ code: 4401, reason: 'the token was revoked' })
    for (const time of times) expect(time).toBeLessThan(1000)
  })

  test('say in their health that they do not hear what others revoke, while the database is away', async () => {
    const { folder, start } = scene()
    const proxy = await startProxy(clickhouse.url)
    await start('first')
    const second = await start('second', proxy.url)
    const access = async () => {
      const { data } = await second.ask('{ health { components { name state detail } } }', {}, ['operator'])
      return data.health.components.find(({ name }: { name: string }) => name === 'access')
    }
    await until('the first one to be known', () => existsSync(join(folder, 'second', 'other-journals')) || undefined)
    expect(await access()).toMatchObject({ state: 'UP' })
    await proxy.cut()
    const told = await until('it to say so', async () => {
      const now = await access()
      return now.state === 'DEGRADED' ? now : undefined
    })
    expect(told.detail).toContain('what others revoked is not heard since')
  })

  test('are not held up by what they cannot read there', async () => {
    const { database, start } = scene()
    const first = await start('first')
    const db = await openDatabase({ url: clickhouse.url, user: USER, password: PASSWORD, database, folder: '' })
    const rows = ['{', '{"kind":"of a later release"}', '{"kind":"preference","at":-1,"userId":3}']
    for (const [i, row] of rows.entries())
      await db.insert('harm', 'operational_state', ['id', 'entry'], [[String(i).repeat(64), row]])
    await db.close()
    const second = await start('second')
    await choose(first, 'LEGACY')
    await whenPreferred(second, 'LEGACY')
    expect(second.log()).toContain('some operational state in the database cannot be read')
  })
})
