import { describe, expect, test } from 'vitest'
import { run, start } from '../support/cli.ts'
import { makeFolder } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

describe('an operator at the command line', () => {
  test('isolates a bridge that runs, and one that does not, and lets both back', async () => {
    const folder = makeFolder()
    const serve = async () => {
      const server = start(['serve'], folder, { PORT: '0', CLICKHOUSE_EMBEDDED: 'off' })
      await until('the server', () => server.stdout().includes('answers at') || undefined)
      return server
    }
    const first = await serve()
    expect((await run(['source'], folder)).code).toBe(0)
    const isolated = await run(['isolate', '--reason', 'a drill'], folder)
    expect(isolated).toMatchObject({
      code: 0,
      stdout: 'isolated: nothing is read or written but health, until token-bridge rejoin\n',
    })
    expect(await run(['source'], folder)).toMatchObject({ code: 1, stderr: expect.stringContaining('ISOLATED') })
    expect(await run(['health'], folder)).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^DOWN\n[\s\S]*isolation +DOWN +isolated since \S+ by \S+: a drill/),
    })
    expect(await run(['rejoin'], folder)).toMatchObject({ code: 0, stdout: 'not isolated any more\n' })
    expect((await run(['source'], folder)).code).toBe(0)
    first.signal('SIGTERM')
    await first.ended
    expect((await run(['isolate', '--reason', 'before the start'], folder)).stdout).toMatch(/^no server answers/)
    const second = await serve()
    expect(await run(['source'], folder)).toMatchObject({ code: 1, stderr: expect.stringContaining('ISOLATED') })
    second.signal('SIGKILL')
    await second.ended
    expect((await run(['rejoin'], folder)).stdout).toMatch(/^no server answers/)
    await serve()
    expect((await run(['source'], folder)).code).toBe(0)
    expect((await run(['isolate'], folder)).code).toBe(2)
  })
})
