import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'

// Node keeps the code that it has compiled, and runs what it finds there; by itself below the folder of temporary
// files, which everybody on the machine can write to.

test('compiled code is kept beside the program, never among temporary files', () => {
  const temporary = mkdtempSync(join(tmpdir(), 'token-bridge-'))
  const env: NodeJS.ProcessEnv = { ...process.env, TMPDIR: temporary }
  delete env.NODE_COMPILE_CACHE
  const { status } = spawnSync(process.execPath, ['bin/token-bridge.js', '--help'], { env })
  const left = readdirSync(temporary)
  rmSync(temporary, { recursive: true })
  expect(status).toBe(0)
  expect(left).toEqual([])
  expect(readdirSync('dist/.compile-cache').length).toBeGreaterThan(0)
})
