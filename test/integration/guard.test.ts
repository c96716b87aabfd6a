// The emergency brake: operators take everybody to the files, without Unleash.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Scene, useScenes } from '../support/migration-scene.ts'
import { startServer } from '../support/server.ts'
import { small } from '../support/small-transcripts.ts'
import { makeFolder } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

const scene = useScenes()
const AUTH = { AUTH_JWT_SECRET: 'a secret that all instances share, of enough bytes' }
const QUESTION = '{ tokenMetrics { tokens { total } provenance { source reason } } }'

const asked = async ({ server }: Scene, user = 'ann'): Promise<string> => {
  const { data } = await server.ask(QUESTION, {}, ['viewer'], { user })
  const { source, reason } = data.tokenMetrics.provenance
  return `${source} ${reason}`
}
const operate = (one: Scene, mutation: string) =>
  one.server.ask(`mutation { ${mutation} { tripped reason at by consistency comparisons } }`, {}, ['operator'], {
    user: 'olga',
  })
const FILES = 'LEGACY GUARD_TRIPPED'

describe('an operator who trips the guard', () => {
  test('has everybody on the files with the next answer, also where it was kept, over a start, until it is reset', async () => {
    const folder = makeFolder()
    const first = await scene({ folder, settings: AUTH })
    await first.migrate()
    const before = await until('ClickHouse', async () => {
      const now = await asked(first)
      return now.startsWith('CLICKHOUSE') ? now : undefined
    })
    // the second one is sent again as it was
    expect(await asked(first)).toBe(before)
    const { data } = await operate(first, 'tripGuard(reason: "wrong figures")')
    expect(data.tripGuard).toEqual({
      tripped: true,
      reason: 'wrong figures',
      at: expect.any(String),
      by: 'olga',
      consistency: null,
      comparisons: '0',
    })
    for (const user of ['ann', 'bob']) expect(await asked(first, user)).toBe(FILES)
    const preferred = await first.server.ask(
      '{ tokenMetrics(preference: CLICKHOUSE) { provenance { source reason } } health { components { name state detail } } }',
      {},
      ['operator', 'viewer'],
    )
    expect(preferred.data.tokenMetrics.provenance).toEqual({ source: 'LEGACY', reason: 'GUARD_TRIPPED' })
    expect(preferred.data.health.components).toContainEqual({
      name: 'guard',
      state: 'DEGRADED',
      detail: expect.stringMatching(/^everybody is on the files since \S+, by olga: wrong figures$/),
    })
    expect(first.server.log()).toContain('the guard has tripped')

    await first.server.close()
    const again = await scene({ folder, write: false, database: first.database, settings: AUTH })
    expect(await asked(again)).toBe(FILES)
    expect((await again.server.ask('{ guard { tripped by } }', {}, ['operator'])).data.guard).toEqual({
      tripped: true,
      by: 'olga',
    })
    await operate(again, 'resetGuard(reason: "repaired")')
    expect(await asked(again)).toBe(before)
  })

  test('has them there on an instance with a journal of its own, too, and at the start of one whose journal is lost', async () => {
    const folder = makeFolder()
    const first = await scene({ folder, settings: AUTH })
    await first.migrate()
    const elsewhere = { ...AUTH, DATA_DIR: join(folder, 'second') }
    const second = await scene({ folder, write: false, database: first.database, settings: elsewhere })
    const before = await until('ClickHouse', async () => {
      const now = await asked(second)
      return now.startsWith('CLICKHOUSE') ? now : undefined
    })
    await operate(first, 'tripGuard(reason: "wrong figures")')
    await until('the files', async () => ((await asked(second)) === FILES ? true : undefined))

    await second.server.close()
    rmSync(join(folder, 'second'), { recursive: true })
    const third = await scene({ folder, write: false, database: first.database, settings: elsewhere })
    for (let i = 0; i < 20; i++) expect(await asked(third)).toMatch(/^LEGACY /)
    await until('the guard to be known', async () => ((await asked(third)) === FILES ? true : undefined))
    await operate(third, 'resetGuard(reason: "repaired")')
    await until('ClickHouse', async () => ((await asked(first)) === before ? true : undefined))
  })

  test('must be an operator, say why, and do it once an operation', async () => {
    const one = await scene({})
    const codeOf = async (query: string, role: 'viewer' | 'operator') =>
      (await one.server.ask(query, {}, [role])).errors?.[0]?.extensions
    expect(await codeOf('mutation { tripGuard(reason: "x") { tripped } }', 'viewer')).toMatchObject({
      code: 'FORBIDDEN',
    })
    expect(await codeOf('{ guard { tripped } }', 'viewer')).toMatchObject({ code: 'FORBIDDEN' })
    for (const reason of ['', '  ', 'a\\nb', '\\u202e'])
      expect(await codeOf(`mutation { tripGuard(reason: "${reason}") { tripped } }`, 'operator')).toMatchObject({
        code: 'INVALID_ARGUMENT',
      })
    const twice = 'mutation { a: tripGuard(reason: "x") { tripped } b: tripGuard(reason: "y") { tripped } }'
    expect(await codeOf(twice, 'operator')).toBeDefined()
    const { guard } = await until('what the database says of it', async () => {
      const { data } = await one.server.ask('{ guard { tripped } }', {}, ['operator'])
      return data ?? undefined
    })
    expect(guard).toEqual({ tripped: false })
  })

  test('are not told that it has not tripped, nor that it is reset, before the database was asked once', async () => {
    const server = await startServer(small(), { CLICKHOUSE_URL: 'http://127.0.0.1:9' })
    const ask = (query: string) => server.ask(query, {}, ['operator'])
    for (const query of ['{ guard { tripped } }', 'mutation { resetGuard(reason: "repaired") { tripped } }'])
      expect((await ask(query)).errors?.[0]?.extensions).toMatchObject({ code: 'SOURCE_UNAVAILABLE' })
    const stateOf = async () => {
      const { components } = (await ask('{ health { components { name state detail } } }')).data.health
      return components.find(({ name }: { name: string }) => name === 'guard')
    }
    expect(await stateOf()).toEqual({
      name: 'guard',
      state: 'DEGRADED',
      detail: expect.stringMatching(/^not known yet: everybody is on the files/),
    })
    const tripped = { data: { tripGuard: { tripped: true } } }
    expect(await ask('mutation { tripGuard(reason: "wrong figures") { tripped } }')).toMatchObject(tripped)
    expect((await ask('{ guard { reason } }')).data.guard).toEqual({ reason: 'wrong figures' })
    expect((await stateOf()).detail).toContain('wrong figures')
    const reset = 'mutation { resetGuard(reason: "repaired") { tripped } }'
    expect((await ask(reset)).data.resetGuard).toEqual({ tripped: false })
  })
})
