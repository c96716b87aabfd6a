import { execFile } from 'node:child_process'
import { copyFileSync, symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { makeFolder } from '../support/transcripts.ts'

const run = promisify(execFile)

describe('./token-bridge in a clone', () => {
  test('runs in any folder, also by a link, and hands on what it is told and its exit code', async () => {
    const folder = makeFolder()
    const link = join(folder, 'tb')
    symlinkSync(resolve('token-bridge'), link)
    expect((await run(link, ['--version'], { cwd: folder })).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
    await expect(run(link, ['analyze', '--by', 'a shoe'], { cwd: folder })).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('a shoe'),
    })
  })

  test('says what to do where nothing was built yet', async () => {
    const folder = makeFolder()
    copyFileSync('token-bridge', join(folder, 'token-bridge'))
    await expect(run(join(folder, 'token-bridge'), ['--version'])).rejects.toMatchObject({
      code: 1,
      stderr: 'token-bridge: nothing is built yet: npm ci\n',
    })
  })
})
