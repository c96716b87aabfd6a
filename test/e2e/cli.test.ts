import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { generateCorpus } from '../../corpus/generate.ts'
import { BIN, run, start } from '../support/cli.ts'
import { line, makeFolder, writeTranscripts } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

function small(): string {
  const folder = makeFolder()
  writeTranscripts(folder, {
    'shop/a.jsonl': [
      line({ id: 'msg_1', session: 's1', time: '2026-03-31T23:00:00Z', usage: { input_tokens: 1000 } }),
      line({ id: 'msg_2', session: 's2', model: 'claude-opus-4-5-20251101' }),
      'broken',
    ],
    'notes/b.jsonl': [line({ id: 'msg_3', session: 's3', model: 'mystery' })],
  })
  return folder
}

describe('token-bridge analyze', () => {
  test('prints, as JSON, exactly what was planted', async () => {
    const folder = makeFolder()
    const truth = generateCorpus({ seed: 4, files: 20, megabytes: 20, tokens: 2_768_012_012, out: folder })
    const { code, stdout, stderr } = await run(['analyze', '--transcripts', folder, '--json'], folder)
    expect([code, stderr]).toEqual([0, ''])
    const report = JSON.parse(stdout)
    expect(report).toMatchObject({
      tokens: { ...truth.tokens, total: '2768012012' },
      recordCount: truth.recordCount,
      sessionCount: truth.sessionCount,
      firstAt: truth.firstAt,
      lastAt: truth.lastAt,
      quality: { duplicateLines: truth.duplicateLines, archivedTokens: '0' },
    })
    const keyed = (list: { tokens: unknown; recordCount: string }[], key: string) =>
      Object.fromEntries(
        list.map((item) => [(item as never)[key], { tokens: item.tokens, recordCount: item.recordCount }]),
      )
    expect(keyed(report.byDay, 'date')).toEqual(truth.byDay)
    expect(keyed(report.byModel, 'model')).toEqual(truth.byModel)
    expect(keyed(report.byProject, 'project')).toEqual(truth.byProject)
    expect(keyed(report.byBranch, 'branch')).toEqual(truth.byBranch)
    expect(keyed(report.bySession, 'id')).toEqual(truth.bySession)
    // a second time from the index, the same
    expect((await run(['analyze', '--transcripts', folder, '--json'], folder)).stdout).toBe(stdout)
    expect(readdirSync(join(folder, '.token-bridge', 'index')).filter((name) => name.endsWith('.idx'))).toHaveLength(1)
  })

  test('prints a table for people by each breakdown, and what was refused with its place', async () => {
    const folder = small()
    for (const by of [
      'day',
      'week',
      'month',
      'hour',
      'model',
      'project',
      'user',
      'host',
      'branch',
      'sidechain',
      'session',
    ]) {
      const { code, stdout } = await run(['analyze', '--transcripts', folder, '--no-index', '--by', by], folder)
      expect(code).toBe(0)
      expect(stdout.toLowerCase()).toContain(`│ ${by}`)
      expect(stdout).toMatch(/│ Total +│.*1,002 │/)
      expect(stdout).toContain('3 records in 3 sessions, 2026-03-31 to 2026-04-02, time zone UTC')
      expect(stdout).toContain('in all: 2 transcripts, 0 duplicate lines not counted, 1 line refused')
    }
    const { stdout } = await run(['analyze', '--transcripts', folder, '--no-index', '--quality'], folder)
    expect(stdout).toMatch(/malformed_json +│ +1 +│ .*shop\/a\.jsonl:3 \(\d+\)/)
    expect(stdout).toContain('tokens have no known price')
    expect(readdirSync(folder)).toEqual(['projects'])
  })

  test('selects by range, zone and names', async () => {
    const folder = small()
    const count = async (...args: string[]) => {
      const { stdout, stderr } = await run(
        ['analyze', '--transcripts', folder, '--no-index', '--json', ...args],
        folder,
      )
      expect(stderr).toBe('')
      return JSON.parse(stdout).recordCount
    }
    expect(await count('--from', '2026-04-01')).toBe('2')
    expect(await count('--from', '2026-04-01', '--time-zone', 'Europe/Berlin')).toBe('3')
    expect(await count('--project', 'shop', '--model', 'mystery', '--model', 'claude-opus-4-5-20251101')).toBe('1')
    expect(await count('--session', 's1', '--session', 's3')).toBe('2')
    expect(await count('--branch', '')).toBe('3')
    expect(await count('--sidechain', 'false')).toBe('3')
  })

  test.each([
    [['analyze', '--time-zone', 'Mars'], '--time-zone "Mars"'],
    [['analyze', '--by', 'shoe'], '--by must be of'],
    [['analyze', '--format', 'xml'], "'xml' is invalid. Allowed choices are table, json, csv, markdown"],
    [['analyze', '--json', '--format', 'csv'], '--json and --format csv are two formats'],
    [['analyze', '--from', 'yesterday'], '--from "yesterday"'],
    [['analyze', '--from', '2026-04-02', '--to', '2026-04-01'], '--from 2026-04-02 is after'],
    [['analyze', '--sidechain', 'maybe'], '--sidechain must be true or false, not "maybe"'],
    [['analyze', '--nonsense'], "unknown option '--nonsense'"],
    [['nonsense'], "unknown command 'nonsense'"],
    [['token', '--user', 'ann', '--roles', 'root'], 'viewer, ingester, operator'],
    [['token', '--user', 'ann', '--roles', 'viewer', '--ttl', 'long'], '--ttl "long"'],
    [['token'], "required option '--user"],
  ])('%j is wrong usage: exit code 2', async (args, message) => {
    const { code, stderr, stdout } = await run(args, makeFolder())
    expect(code).toBe(2)
    expect(stderr).toContain(message)
    expect(stdout).toBe('')
  })

  test('fails with one line and exit code 1 where a folder or setting is wrong', async () => {
    const folder = makeFolder()
    expect(await run(['analyze', '--transcripts', '/nowhere'], folder)).toEqual({
      code: 1,
      stdout: '',
      stderr: 'token-bridge: transcripts folder /nowhere does not exist\n',
    })
    const { code, stderr } = await run(['analyze'], folder, { PORT: 'x', LOG_LEVEL: 'y' })
    expect(code).toBe(1)
    expect(stderr).toMatch(/^token-bridge: invalid settings: PORT .*; LOG_LEVEL .*\n$/)
  })

  test('says where it looked when there are no transcripts', async () => {
    const folder = makeFolder()
    const { code, stdout, stderr } = await run(['analyze', '--json'], folder)
    expect(code).toBe(0)
    expect(stderr).toContain(join(folder, '.claude', 'projects'))
    expect(JSON.parse(stdout)).toMatchObject({ recordCount: '0', costUsd: 0, byDay: [] })
  })

  test('ends quietly when its reader has had enough', () => {
    const folder = makeFolder()
    const many = Array.from({ length: 3000 }, (_, i) => line({ id: `msg_${i}`, session: `session-${i}` }))
    writeTranscripts(folder, { 'shop/a.jsonl': many })
    const command = `"${process.execPath}" "${BIN}" analyze --transcripts . --no-index --json | head -c 10`
    const { stdout, stderr } = spawnSync('bash', ['-c', command], { cwd: folder, encoding: 'utf8' })
    expect([stdout.length, stderr]).toEqual([10, ''])
  })

  test('helps', async () => {
    for (const args of ['', 'analyze', 'blocks', 'statusline', 'token'].map((name) =>
      name === '' ? ['--help'] : [name, '--help'],
    ))
      expect(await run(args, makeFolder())).toMatchObject({
        code: 0,
        stderr: '',
        stdout: expect.stringContaining('Usage:'),
      })
  })
})

describe('token-bridge serve', () => {
  test('prints a question that works when it is pasted, is found by the CLI, and ends cleanly', async () => {
    const folder = small()
    const settings = { PORT: '0', TRANSCRIPTS_DIR: folder }
    const server = start(['serve'], folder, settings)
    const question = await until('the question', () =>
      server
        .stdout()
        .split('\n')
        .find((text) => text.startsWith('curl ')),
    )
    const answer = JSON.parse(execFileSync('bash', ['-c', question], { encoding: 'utf8' }))
    expect(answer.data.tokenMetrics).toMatchObject({
      tokens: { input: '1002' },
      provenance: { source: 'LEGACY', sample: false },
    })
    expect(server.stderr()).not.toContain('eyJ')

    expect(await run(['source'], folder)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^LEGACY \(MIGRATION_BELOW_THRESHOLD\)\nLess of the history is verified/),
    })
    expect(JSON.parse((await run(['health', '--json'], folder)).stdout)).toMatchObject({ state: 'UP' })
    const { stdout: token } = await run(['token', '--user', 'bob', '--roles', 'viewer', '--ttl', '90s'], folder)
    expect(token).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/)
    const { url } = JSON.parse(readFileSync(join(folder, '.token-bridge', 'server.json'), 'utf8'))
    const elsewhere = makeFolder()
    const asBob = await run(['source', '--server', url, '--token', token.trim()], elsewhere)
    expect(asBob.stdout).toContain('user bob, roles viewer')
    expect(await run(['source', '--server', url, '--token', 'a.b.c'], elsewhere)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('UNAUTHENTICATED'),
    })

    server.signal('SIGTERM')
    expect(await server.ended).toMatchObject({ code: 0 })
    expect(server.stderr().trimEnd().split('\n').at(-1)).toContain('"msg":"stopped"')
    expect(await run(['source'], folder)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no server was started'),
    })
    expect(await run(['source', '--server', url, '--token', 'a.b.c'], folder)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('does not answer'),
    })
  })

  test('does not start on a port that is taken, or with a secret that others can read', async () => {
    const folder = small()
    const first = start(['serve'], folder, { PORT: '0', TRANSCRIPTS_DIR: folder })
    await until('the question', () => first.stdout().includes('curl ') || undefined)
    const { url } = JSON.parse(readFileSync(join(folder, '.token-bridge', 'server.json'), 'utf8'))
    const second = await run(['serve'], folder, {
      PORT: new URL(url).port,
      DATA_DIR: join(folder, 'other'),
      TRANSCRIPTS_DIR: folder,
    })
    expect(second).toMatchObject({ code: 1, stderr: expect.stringContaining('is in use by another program') })
    execFileSync('chmod', ['644', join(folder, '.token-bridge', 'auth-jwt-secret')])
    expect(await run(['token', '--user', 'a', '--roles', 'viewer'], folder)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('can be read by others'),
    })
  })
})
