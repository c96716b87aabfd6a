import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const PROCESS = fileURLToPath(new URL('../../support/growing-process.ts', import.meta.url))
/** It ends by itself long before, or the test has failed. */
const TIMEOUT_MS = 60_000

test.each([
  ['once there is nothing to do', []],
  ['a little later where there is always something to do', ['busy']],
])('memory that a flood of objects took is given back %s', async (_, more) => {
  const { stdout } = await promisify(execFile)(process.execPath, [PROCESS, ...more], { timeout: TIMEOUT_MS })
  expect(Number(/^grown by (\d+)/.exec(stdout)?.[1])).toBeGreaterThan(100 * 2 ** 20)
  expect(stdout).toContain('small again')
})
