// What stands on a command line is seen by everybody on the machine: ps shows it.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { run } from '../support/cli.ts'
import { startServer } from '../support/server.ts'
import { makeFolder } from '../support/transcripts.ts'

describe('a token of the command line', () => {
  test('comes from the environment or from a file, and one of the command counts before these', async () => {
    const folder = makeFolder()
    const server = await startServer(folder, { DATA_DIR: join(folder, 'elsewhere') })
    const token = (user: string) => server.token(['viewer', 'operator', 'ingester'], user)
    const path = join(folder, 'token')
    writeFileSync(path, `${await token('by-file')}\n`, { mode: 0o600 })
    const isolatedBy = async (args: readonly string[], settings: Record<string, string> = {}) => {
      const isolate = ['isolate', '--reason', 'a drill', '--server', server.url, ...args]
      expect(await run(isolate, folder, settings)).toMatchObject({ code: 0 })
      const lines = server.log().split('\n')
      await server.ask('mutation { rejoin { isolated } }', {}, ['operator'])
      return JSON.parse(lines.findLast((line) => line.includes('"isolated: nothing')) as string).by
    }
    const env = { TOKEN_BRIDGE_TOKEN: await token('by-environment') }
    expect(await isolatedBy([], env)).toBe('by-environment')
    expect(await isolatedBy(['--token-file', path])).toBe('by-file')
    expect(await isolatedBy([], { TOKEN_BRIDGE_TOKEN_FILE: path })).toBe('by-file')
    expect(await isolatedBy(['--token-file', path], env)).toBe('by-file')
    expect(await isolatedBy(['--token', await token('by-argument')], env)).toBe('by-argument')
    expect((await run(['health', '--server', server.url, '--token', 'x', '--token-file', path], folder)).code).toBe(2)
    const missing = await run(['health', '--server', server.url, '--token-file', join(folder, 'missing')], folder)
    expect(missing).toMatchObject({ code: 1, stderr: expect.stringMatching(/--token-file \S+missing cannot be read/) })
  })

  test('is wanted by push, whose bridge is elsewhere, and the help says which ways nobody else sees', async () => {
    const folder = makeFolder()
    const server = await startServer(folder, { DATA_DIR: join(folder, 'elsewhere') })
    const push = ['push', '--server', server.url, '--once', '--transcripts', join(folder, 'projects')]
    const without = await run(push, folder)
    expect(without).toMatchObject({ code: 2, stderr: expect.stringContaining('TOKEN_BRIDGE_TOKEN') })
    const env = { TOKEN_BRIDGE_TOKEN: await server.token(['ingester']) }
    expect(await run(push, folder, env)).toMatchObject({ code: 0 })
    for (const command of ['push', 'health']) {
      const { stdout } = await run([command, '--help'], folder)
      expect(stdout.replaceAll(/\s+/g, ' ')).toMatch(/--token-file .*TOKEN_BRIDGE_TOKEN/)
      expect(stdout.replaceAll(/\s+/g, ' ')).toContain('process lists show')
    }
  })
})
