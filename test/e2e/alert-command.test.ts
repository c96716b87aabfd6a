import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { run, start } from '../support/cli.ts'
import { makeFolder } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

/** What a machine with little memory or disk left is told of, too. */
const ofGuard = (text: string): string | undefined =>
  text.split(/\n(?=\S)/).find((one) => one.includes('guard_tripped'))

describe('an operator at the command line', () => {
  test('sees an alert and what to do about it, acknowledges it, and closes its incident', async () => {
    const folder = makeFolder()
    const server = start(['serve'], folder, { PORT: '0', CLICKHOUSE_EMBEDDED: 'off' })
    await until('the server', () => server.stdout().includes('answers at') || undefined)
    const print = async (...args: string[]): Promise<string> => {
      const { code, stdout, stderr } = await run(args, folder)
      expect([code, stderr], args.join(' ')).toEqual([0, ''])
      return stdout
    }
    await print('guard', 'trip', '--reason', 'a drill')
    const open = await until('the alert', async () => ofGuard(await print('alert', 'list')))
    const id = open.split('  ', 1)[0] as string
    expect(open.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^\S+-\S+ {2}CRITICAL {2}guard_tripped {2}OPEN, level 1 {2}since \S+Z$/),
      expect.stringMatching(/^ {2}everybody is on the files, by \S+: a drill$/),
      '  what to do: docs/runbooks/alerts.md#guard_tripped',
    ])
    expect(JSON.parse(await print('alert', 'list', '--json'))).toContainEqual(
      expect.objectContaining({ id, state: 'OPEN' }),
    )

    expect(await print('alert', 'acknowledge', id, '--note', 'I look')).toMatch(
      /^\S+ {2}CRITICAL {2}guard_tripped {2}ACKNOWLEDGED by \S+, level 1 {2}since \S+Z\n/,
    )
    expect(await run(['alert', 'acknowledge', id], folder)).toMatchObject({
      code: 1,
      stderr: 'token-bridge: CONFLICT: the alert is ACKNOWLEDGED\n',
    })

    expect((await run(['incident', 'close', id], folder)).code).toBe(2)
    const closed = (await print('incident', 'close', id, '--note', 'seen to')).trimEnd().split('\n')
    expect(closed).toEqual([
      expect.stringMatching(/^\S+ {2}guard_tripped: everybody is on the files, by \S+: a drill$/),
      expect.stringMatching(/^ {2}risk 4, began \S+Z, noticed \S+Z, over \S+Z$/),
      expect.stringMatching(/^ {2}\S+Z {2}everybody is on the files, by \S+: a drill$/),
      expect.stringMatching(/^ {2}\S+Z {2}acknowledged: I look, by \S+$/),
      expect.stringMatching(/^ {2}\S+Z {2}closed: seen to, by \S+$/),
    ])
    expect(
      ofGuard(await print('incident', 'list'))
        ?.trimEnd()
        .split('\n'),
    ).toEqual(closed)

    await print('guard', 'reset', '--reason', 'over')
    const isOver = async () => ofGuard(await print('alert', 'list')) === undefined || undefined
    await until('the end of the alert', isOver)
    expect(ofGuard(await print('alert', 'list', '--all'))).toMatch(
      /^\S+ {2}CRITICAL {2}guard_tripped {2}CLOSED \S+Z, seen to by \S+, level 1 {2}since \S+Z\n {2}everybody .*\n?$/,
    )
  })

  test('is told where there is nothing, and where so many cannot be asked for', async () => {
    const folder = makeFolder()
    const server = createServer((_, response) => response.end('{"data":{"alerts":[],"incidents":[]}}'))
    await once(server.listen(0, '127.0.0.1'), 'listening')
    onTestFinished(() => void server.close())
    const remote = ['--server', `http://127.0.0.1:${(server.address() as AddressInfo).port}`, '--token', 'x']
    for (const [what, nothing] of [
      ['alert', 'no alert is open'],
      ['incident', 'there was no incident'],
    ] as const) {
      expect(await run([what, 'list', ...remote], folder)).toMatchObject({ code: 0, stdout: `${nothing}\n` })
      expect(await run([what, 'list', '--json', ...remote], folder)).toMatchObject({ code: 0, stdout: '[]\n' })
      expect(await run([what, 'list', '--first', 'many', ...remote], folder)).toMatchObject({
        code: 2,
        stderr: 'token-bridge: --first must be a whole number from 1 on\n',
      })
    }
    expect(await run(['alert', 'list', '--all', ...remote], folder)).toMatchObject({ stdout: 'there was no alert\n' })
  })
})
