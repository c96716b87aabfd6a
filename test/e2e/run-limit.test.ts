import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const CONFIG = 'test/fixtures/endless/vitest.config.ts'

test('a run of tests that hangs is ended, and says which file was still running', async () => {
  const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url))
  const child = spawn(process.execPath, [vitest, 'run', '--config', CONFIG], {
    env: { ...process.env, RUN_MINUTES: '0.05' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')])
  expect(said).toContain('the tests have run for 0.05 minutes')
  expect(said).toMatch(/Still running:\n.*endless\.ts/)
  expect(code).toBe(1)
})
