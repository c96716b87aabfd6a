import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { run, start } from '../support/cli.ts'
import { line, makeFolder, writeTranscripts } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

/** A server in a folder of its own, found by the CLI there. */
async function serve(folder: string, settings: Record<string, string> = {}) {
  const server = start(['serve'], folder, {
    TRANSCRIPTS_DIR: join(folder, 'projects'),
    PORT: '0',
    RESCAN_INTERVAL_MS: '300',
    LOG_LEVEL: 'warn',
    ...settings,
  })
  await until('the server', () => server.stdout().includes('curl ') || undefined)
  const { url } = JSON.parse(readFileSync(join(folder, '.token-bridge', 'server.json'), 'utf8'))
  const { stdout } = await run(['token', '--user', 'ann', '--roles', 'viewer,ingester,operator'], folder)
  const total = async (): Promise<string> => {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${stdout.trim()}` },
      body: JSON.stringify({ query: '{ tokenMetrics { tokens { total } } }' }),
    })
    const { data } = (await response.json()) as { data: { tokenMetrics: { tokens: { total: string } } } }
    return data.tokenMetrics.tokens.total
  }
  const untilTotal = (wanted: number) =>
    until(`a total of ${wanted}`, async () => ((await total()) === String(wanted) ? true : undefined))
  return { server, url, token: stdout.trim(), untilTotal }
}

const folderWith = (...ids: string[]): string => folderOf(9, ids)

/** A transcript whose records have so many input tokens each, and one of output. */
function folderOf(input: number, ids: readonly string[]): string {
  const folder = makeFolder()
  writeTranscripts(folder, { 'p/a.jsonl': ids.map((id) => line({ id, usage: { input_tokens: input } })) })
  return folder
}

describe('token-bridge migrate', () => {
  test('starts a run and shows how it ended, and its status afterwards, with figures that can be read', async () => {
    const folder = folderOf(1_234_566, ['msg_1', 'msg_2'])
    await serve(folder)
    expect(await run(['migrate', 'status'], folder)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no migration yet'),
    })
    expect((await run(['migrate', 'start', '--dry-run'], folder)).stdout).toMatch(
      /^1 transcript, 0\.0 MB, 2,469,134 tokens\n2 copies of records in 1 batch; 0 lines are duplicates\n/,
    )
    const started = await run(['migrate', 'start'], folder)
    expect(started).toMatchObject({ code: 0, stderr: '' })
    expect(started.stdout).toMatch(
      /COMPLETED, 100\.00 %\n1 of 1 transcripts verified, 2,469,134 of 2,469,134 tokens\ndifference 0\n/,
    )
    const status = JSON.parse((await run(['migrate', 'status', '--json'], folder)).stdout)
    expect(status).toMatchObject({ state: 'COMPLETED', progress: 1, difference: '0', tokensTotal: '2469134' })
    expect((await run(['health'], folder)).stdout).toMatch(/^enhanced-analysis +UP +1 transcript$/m)
    expect((await run(['migrate', 'status', '--files'], folder)).stdout).toMatch(
      /^verified {2}.*a\.jsonl: 0\.0 MB, 2 records, 2,469,134 tokens, 0 duplicates, 0 refused\n$/,
    )
    const alone = await run(['migrate', 'verify', '--dry-run'], folder)
    expect([alone.code, alone.stderr]).toEqual([
      2,
      'token-bridge: --dry-run belongs to --repair: it tells what would be mended\n',
    ])
    expect((await run(['migrate', 'verify', '--repair', '--dry-run'], folder)).stderr).toBe('nothing to mend\n')
    expect((await run(['migrate', 'backup', 'b'], folder)).stdout).toMatch(
      /^0 copies of records in 0 batches, 0 tokens in all copies\n/,
    )
    expect((await run(['migrate', 'restore', 'b'], folder)).code).toBe(0)
    expect(await run(['migrate', 'restore', 'c'], folder)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('there is no backup'),
    })
    expect((await run(['migrate', 'rollback'], folder)).stdout).toContain('ROLLED_BACK')
    expect((await run(['migrate', 'start'], folder)).stdout).toContain('COMPLETED')
    expect(await run(['migrate', 'status', '--id', 'nobody'], folder)).toMatchObject({ code: 1 })
    await until(
      'ClickHouse to answer',
      async () => (await run(['source'], folder)).stdout.startsWith('CLICKHOUSE (ROLLOUT)') || undefined,
    )
  })
})

describe('token-bridge ingest', () => {
  test('sends JSON lines; sent twice they are counted once; mistakes are told by line', async () => {
    const folder = folderWith('msg_1')
    const { untilTotal } = await serve(folder)
    const record = (more: object = {}): string =>
      JSON.stringify({
        sessionId: 's',
        project: 'p',
        model: 'm',
        occurredAt: '2026-04-02T09:15:03Z',
        tokens: { input: 100, output: '5' },
        ...more,
      })
    const path = join(folder, 'records.jsonl')
    writeFileSync(path, `${Array.from({ length: 1200 }, () => record()).join('\n')}\n`)
    for (let time = 0; time < 2; time++) {
      expect(await run(['ingest', path], folder)).toMatchObject({ code: 0, stdout: '1,200 records accepted\n' })
      await untilTotal(10 + 1200 * 105)
    }
    writeFileSync(
      path,
      [
        record(),
        '{ no json',
        record({ sessionId: 'a b', project: 'p\x7f', tokens: { input: -1, output: 0 } }),
        record({ colour: 'red' }),
        record({ model: 5, project: true }),
      ].join('\n'),
    )
    const ended = await run(['ingest', path], folder)
    expect(ended).toMatchObject({ code: 1, stdout: '1 record accepted\n' })
    expect(ended.stderr.trim().split('\n').sort()).toEqual([
      expect.stringContaining('line 2: malformed_json'),
      expect.stringContaining('line 3: invalid_session_id'),
      expect.stringContaining('line 3: invalid_text: project'),
      expect.stringContaining('line 3: invalid_tokens: tokens.input'),
      expect.stringContaining('line 4: invalid_record'),
      expect.stringContaining('line 5: invalid_record: model'),
      expect.stringContaining('line 5: invalid_record: project'),
    ])
    writeFileSync(path, `${'{\n'.repeat(1500)}${record()}\n`)
    const many = await run(['ingest', path], folder)
    expect(many).toMatchObject({ code: 1, stdout: '1 record accepted\n' })
    expect(many.stderr.trim().split('\n')).toHaveLength(1001)
    expect(many.stderr).toContain('token-bridge: 500 more mistakes are not told\n')
    expect(await run(['ingest', join(folder, 'nowhere')], folder)).toMatchObject({ code: 2 })
  })
})

describe('token-bridge push', () => {
  test('follows the transcripts of another machine, over restarts of both, and counts nothing twice', async () => {
    const home = folderWith('msg_shared')
    const laptop = makeFolder()
    writeTranscripts(laptop, {
      'q/b.jsonl': [
        line({ id: 'msg_shared', usage: { input_tokens: 9 } }),
        line({ id: 'msg_b', usage: { input_tokens: 99 } }),
      ],
    })
    const first = await serve(home)
    const settings = { TRANSCRIPTS_DIR: `bob@tower=${join(laptop, 'projects')}`, RESCAN_INTERVAL_MS: '300' }
    const args = ['push', '--server', first.url, '--token', first.token]
    const pushing = start(args, laptop, settings)
    await first.untilTotal(10 + 100)
    appendFileSync(join(laptop, 'projects/q/b.jsonl'), `${line({ id: 'msg_c', usage: { input_tokens: 999 } })}\n`)
    await first.untilTotal(10 + 100 + 1000)
    expect(await run([...args, '--once'], laptop, settings)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('another push'),
    })
    pushing.signal('SIGTERM')
    expect(await pushing.ended).toMatchObject({ code: 0, stdout: expect.stringContaining('3 records accepted') })
    expect(await run([...args, '--once'], laptop, settings)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('0 records accepted'),
    })
    // a longer copy of a streamed response
    appendFileSync(
      join(laptop, 'projects/q/b.jsonl'),
      `${line({ id: 'msg_c', usage: { input_tokens: 999, output_tokens: 50 } })}\n`,
    )
    expect(await run([...args, '--once'], laptop, settings)).toMatchObject({
      stdout: expect.stringContaining('1 record accepted'),
    })
    await first.untilTotal(10 + 100 + 1049)
    expect(await run([...args, '--once', '--token', 'a.b.c'], laptop, settings)).toMatchObject({ code: 0 })
  })

  test('makes names plain that nobody may bring in, and loses no record', async () => {
    const first = await serve(folderWith('msg_z'))
    const laptop = makeFolder()
    writeTranscripts(laptop, {
      'q\u202e/b.jsonl': [
        line({ id: 'msg_a', model: 'm\x7f\u2028x', usage: { input_tokens: 9 } }),
        line({ id: 'msg_b', model: 'm'.repeat(300), usage: { input_tokens: 9 } }),
      ],
      'q/b.jsonl': [line({ id: 'msg_c', usage: { input_tokens: 9 } })],
    })
    const args = ['push', '--server', first.url, '--token', first.token, '--once']
    expect(await run(args, laptop, { TRANSCRIPTS_DIR: `bob@tower=${join(laptop, 'projects')}` })).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('3 records accepted'),
      stderr: expect.stringContaining('2 records have names'),
    })
    await first.untilTotal(40)
  })
})
