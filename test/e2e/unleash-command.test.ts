import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, realpathSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startCommand } from '../support/cli.ts'
import { makeFolder } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

/** As root, where the machine permits it, in a world in which another folder is in the place of /var/lib. */
const HAS_OWN_MOUNTS = process.getuid?.() === 0 && spawnSync('unshare', ['--mount', 'true']).status === 0

/** A clone in a home that is closed to everybody else, as that of root is, after `npm start`. */
function clone(): string {
  const folder = join(makeFolder(), 'clone')
  mkdirSync(join(folder, '.token-bridge'), { recursive: true, mode: 0o700 })
  for (const name of ['scripts', 'flags', 'package.json', '.npmrc'])
    cpSync(name, join(folder, name), { recursive: true })
  if (HAS_OWN_MOUNTS) mkdirSync(join(folder, 'node_modules'))
  else symlinkSync(realpathSync('node_modules'), join(folder, 'node_modules'))
  return folder
}

function startUnleash(folder: string, more = '') {
  const command = `exec ${process.execPath} scripts/unleash.ts --port 0 ${more}`
  if (!HAS_OWN_MOUNTS) return startCommand(['sh', '-c', command], folder)
  const varLib = makeFolder()
  chmodSync(varLib, 0o755)
  const mounts = `mount --bind ${varLib} /var/lib && mount --bind ${realpathSync('node_modules')} node_modules`
  return startCommand(['unshare', '--mount', 'sh', '-c', `${mounts} && ${command}`], folder)
}

test('npm run unleash starts in a clone that nobody else may enter, and all that it prints works', async () => {
  const server = startUnleash(clone())
  const said = await until(
    'Unleash',
    async () => {
      if (server.stdout().includes('admin API')) return server.stdout()
      return server.stderr() === '' ? undefined : Promise.reject(new Error(server.stderr()))
    },
    150,
  )
  const [, url, username, password] = /runs at (\S+): log in as (\S+) with the password (\S+)/.exec(said) ?? []
  const login = await fetch(`${url}/auth/simple/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username, password }),
  })
  expect(login.status).toBe(200)
  expect((await fetch(/\S+\/playground$/m.exec(said)?.[0] ?? '')).status).toBe(200)
  const asks = async (address: string, authorization: string) =>
    (await (await fetch(address, { headers: { authorization } })).json()).features.map(({ name }: Named) => name)
  const adminToken = said.trimEnd().split('\n').at(-1) as string
  expect(await asks(`${url}/api/admin/projects/default/features`, adminToken)).toContain('database_bridge_enabled')
  const [, apiUrl, apiToken] = /^UNLEASH_URL=(\S+) UNLEASH_API_TOKEN='(\S+)' npm start$/m.exec(said) ?? []
  expect(await asks(`${apiUrl}/client/features`, apiToken as string)).toContain('database_bridge_enabled')
  server.signal('SIGTERM')
  expect(await server.ended).toMatchObject({ code: 0, stderr: '' })
})

test('npm run unleash says in one line what keeps it from starting', async () => {
  const { code, stderr } = await startUnleash(clone(), '--data package.json').ended
  expect([code, stderr]).toEqual([1, expect.stringMatching(/^unleash: [^\n]*package\.json[^\n]*\n$/)])
})

interface Named {
  name: string
}
