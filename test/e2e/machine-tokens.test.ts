import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { run, start } from '../support/cli.ts'
import { post } from '../support/graphql-client.ts'
import { makeFolder } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

describe('an operator at the command line', () => {
  test('makes a token for a machine, lists it, and takes it away again', async () => {
    const folder = makeFolder()
    const server = start(['serve'], folder, { PORT: '0', CLICKHOUSE_EMBEDDED: 'off' })
    await until('the server', () => server.stdout().includes('answers at') || undefined)
    const { url } = JSON.parse(readFileSync(join(folder, '.token-bridge', 'server.json'), 'utf8'))
    const create = ['machine-token', 'create', '--user', 'laptop', '--roles', 'viewer', '--note', 'of the laptop']
    const made = await run(create, folder)
    expect(made).toMatchObject({ code: 0, stderr: '' })
    const token = made.stdout.trim()
    const who = async () => (await post(url, token, { query: '{ viewer { userId } }' })).status
    expect(await who()).toBe(200)
    const [listed] = JSON.parse((await run(['machine-token', 'list', '--json'], folder)).stdout)
    expect(listed).toMatchObject({ userId: 'laptop', roles: ['viewer'], note: 'of the laptop', revokedAt: null })
    const revoked = await run(['revoke', '--id', listed.id, '--reason', 'lost'], folder)
    expect(revoked).toMatchObject({ code: 0, stdout: `the token ${listed.id} is revoked\n` })
    expect(await who()).toBe(401)
    // it may be the id of a token that is no machine's, so it is revoked all the same
    const unknown = await run(['revoke', '--id', 'nobody-knows-it', '--reason', 'lost'], folder)
    expect(unknown).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^no machine token nobody-knows-it is known .* is refused from now on\n$/),
    })
    expect((await run(['machine-token', 'list'], folder)).stdout).toMatch(
      /laptop {2}viewer {2}revoked .+Z {2}used .+Z {2}made by \S+ {2}of the laptop/,
    )
    const scoped = await run([...create, '--access', '[{"users":["ann"]},{"projects":["shop"]}]'], folder)
    const { data } = await post(url, scoped.stdout.trim(), { query: '{ tokenMetrics { recordCount } }' })
    expect(data.tokenMetrics.recordCount).toBe('0')
    expect((await run(['machine-token', 'list'], folder)).stdout).toMatch(
      /laptop {2}viewer {2}sees \[\{"projects":\["shop"\]\},\{"users":\["ann"\]\}\] {2}until/,
    )
    expect((await run([...create, '--access', '[{"user":["ann"]}]'], folder)).code).toBe(2)
    expect((await run(['revoke', '--reason', 'x'], folder)).code).toBe(2)
    expect((await run(['machine-token', 'create', '--user', 'x', '--roles', 'root'], folder)).code).toBe(2)
    expect((await run(['revoke', '--user', 'laptop', '--reason', 'gone'], folder)).stdout).toBe(
      'all tokens of laptop until now are revoked\n',
    )
    expect((await run(['revoke', '--id', 'x', '--made', '--reason', 'gone'], folder)).code).toBe(2)
  })

  test('is told which tokens somebody made who is out, and takes them away as well, of the server or without one', async () => {
    const folder = makeFolder()
    const server = start(['serve'], folder, { PORT: '0', CLICKHOUSE_EMBEDDED: 'off' })
    await until('the server', () => server.stdout().includes('answers at') || undefined)
    const token = (await run(['token', '--user', 'mallory', '--roles', 'operator'], folder)).stdout.trim()
    const create = (...more: string[]) =>
      run(['machine-token', 'create', '--user', 'desk', '--roles', 'viewer', '--token', token, ...more], folder)
    const [first, second] = [(await create()).stdout.trim(), (await create()).stdout.trim()]
    const revoke = ['revoke', '--user', 'mallory', '--reason', 'left']
    expect((await run(revoke, folder)).stdout).toMatch(
      /^all tokens of mallory until now are revoked\n2 of machines that mallory had made stay good: --made takes them/,
    )
    await run(['isolate', '--reason', 'a theft'], folder)
    expect((await run(revoke, folder)).stdout).toContain('all tokens of machines that mallory had made stay good')
    server.signal('SIGTERM')
    await server.ended
    expect((await run([...revoke, '--made'], folder)).stdout).toBe(
      'no server answers: from the next start on all tokens of mallory until now are revoked\nand 2 of machines that mallory had made\n',
    )
    await run(['rejoin'], folder)
    const again = start(['serve'], folder, { PORT: '0', CLICKHOUSE_EMBEDDED: 'off' })
    await until('the server', () => again.stdout().includes('answers at') || undefined)
    const { url } = JSON.parse(readFileSync(join(folder, '.token-bridge', 'server.json'), 'utf8'))
    for (const made of [first, second])
      expect((await post(url, made, { query: '{ viewer { userId } }' })).status).toBe(401)
  })
})
