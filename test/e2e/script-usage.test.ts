import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { startCommand } from '../support/cli.ts'
import { makeFolder } from '../support/transcripts.ts'

const SCRIPTS = fileURLToPath(new URL('../../scripts/', import.meta.url))
const script = (name: string, ...args: string[]) =>
  startCommand([process.execPath, join(SCRIPTS, `${name}.ts`), ...args], makeFolder()).ended

test.each(['recount', 'recorded-run'])('npm run %s -- --help tells how it is used', async (name) => {
  expect(await script(name, '--help')).toEqual({
    code: 0,
    stdout: expect.stringContaining(`usage: npm run ${name} -- `),
    stderr: '',
  })
})

test.each([
  ['recount', []],
  ['recount', ['--bogus']],
  ['recorded-run', ['bogus']],
] as const)('npm run %s with %j tells how it is used, and no stack', async (name, args) => {
  const { code, stderr } = await script(name, ...args)
  expect(code).toBe(2)
  expect(stderr).toContain(`usage: npm run ${name} -- `)
  expect(stderr).not.toContain(' at ')
})

test('npm run recount of a folder that is not there says so, and no stack', async () => {
  expect(await script('recount', '/nowhere')).toEqual({ code: 1, stdout: '', stderr: '/nowhere is not there\n' })
})
