import { describe, expect, test } from 'vitest'
import { run, start } from '../support/cli.ts'
import { makeFolder } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

describe('an operator at the command line', () => {
  test('trips the guard, sees who did it and why, and resets it', async () => {
    const folder = makeFolder()
    const server = start(['serve'], folder, { PORT: '0', CLICKHOUSE_EMBEDDED: 'off' })
    await until('the server', () => server.stdout().includes('answers at') || undefined)
    const guard = (...args: string[]) => run(['guard', ...args], folder)
    expect(await guard('status')).toMatchObject({ code: 0, stdout: 'not tripped: flags and progress decide\n' })
    expect((await guard('trip')).code).toBe(2)
    const tripped = /^tripped: everybody is on the files, until token-bridge guard reset\nsince \S+, by \S+: a drill\n$/
    expect(await guard('trip', '--reason', 'a drill')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(tripped),
    })
    expect(JSON.parse((await guard('status', '--json')).stdout)).toMatchObject({ tripped: true, reason: 'a drill' })
    expect((await run(['health'], folder)).stdout).toMatch(/guard +DEGRADED +everybody is on the files/)
    expect((await guard('reset', '--reason', 'over')).stdout).toMatch(/^not tripped: .*\nsince \S+, by \S+: over\n$/)
  })
})
