import { describe, expect, test } from 'vitest'
import { run } from '../support/cli.ts'
import { line, makeFolder, writeTranscripts } from '../support/transcripts.ts'

const SONNET = 'claude-sonnet-4-5-20250929'
const OPUS = 'claude-opus-4-5-20251101'

interface JsonRow {
  [name: string]: string | null | { total: string }
  tokens: { total: string }
}

/** A line whose agent worked in a folder. */
const inFolder = (folder: string, parts: Parameters<typeof line>[0]): string =>
  JSON.stringify({ ...JSON.parse(line(parts)), cwd: folder })

function corpus(): string {
  const folder = makeFolder()
  const shop = '/home/ann/my_shop'
  const usage = (tokens: number) => ({ usage: { input_tokens: tokens, output_tokens: 0 } })
  writeTranscripts(folder, {
    '-home-ann-my-shop/a.jsonl': [
      // a folder that the project is not called by
      inFolder('/home/ann/my_shop/sub', { id: 'msg_1', session: 's1', time: '2026-04-01T10:00:00Z', ...usage(10) }),
      inFolder(shop, { id: 'msg_2', session: 's1', time: '2026-04-02T10:00:00Z', model: OPUS, ...usage(5) }),
      inFolder(shop, { id: 'msg_3', session: 's2', time: '2026-04-02T11:00:00Z', ...usage(1000) }),
      'broken',
    ],
    'notes/b.jsonl': [
      line({ id: 'msg_4', session: 's3', time: '2026-05-01T00:00:00Z', model: 'mystery', ...usage(7) }),
    ],
  })
  return folder
}

const analyze = async (folder: string, ...args: string[]) =>
  run(['analyze', '--transcripts', folder, '--no-index', ...args], folder)

async function rowsOf(folder: string, ...args: string[]) {
  const { stdout, stderr, code } = await analyze(folder, '--format', 'json', ...args)
  expect([code, stderr]).toEqual([0, ''])
  return JSON.parse(stdout)
}

describe('analyze --by', () => {
  test('tells models apart in 80 columns, by short names where whole ones would be cut to the same', async () => {
    const folder = makeFolder()
    const models = ['claude-sonnet-4-5-20250929', 'claude-sonnet-4-20250514']
    writeTranscripts(folder, {
      'a-project-whose-name-is-long/a.jsonl': models.map((model, i) => line({ id: `msg_${i}`, model })),
    })
    const { stdout } = await analyze(folder, '--by', 'project,model,day', '--compact')
    expect(stdout).toMatch(/│ sonnet-4-5 +│ 2026-04-02 │/)
    expect(stdout).toMatch(/│ sonnet-4 +│ 2026-04-02 │/)
  })

  test('tells rows by two dimensions as JSON, the members named as they were asked for', async () => {
    const folder = corpus()
    const { by, rows, recordCount, quality } = await rowsOf(folder, '--by', 'day,model')
    expect(by).toEqual(['day', 'model'])
    expect(rows.map((row: JsonRow) => [row.day, row.model, row.tokens.total, row.recordCount])).toEqual([
      ['2026-04-01', SONNET, '10', '1'],
      ['2026-04-02', SONNET, '1000', '1'],
      ['2026-04-02', OPUS, '5', '1'],
      ['2026-05-01', 'mystery', '7', '1'],
    ])
    expect(rows[3].costUsd).toBeNull()
    expect([recordCount, quality.refused[0].count]).toEqual(['4', '1'])
    const byProject = (await rowsOf(folder, '--by', 'project,month')).rows
    expect(byProject.map((row: JsonRow) => [row.project, row.projectPath, row.month])).toEqual([
      ['-home-ann-my-shop', '/home/ann/my_shop', '2026-04'],
      ['notes', null, '2026-05'],
    ])
    expect((await rowsOf(folder, '--by', 'session')).rows[0]).toMatchObject({
      session: 's3',
      project: 'notes',
      projectPath: null,
      lastActivityAt: '2026-05-01T00:00:00.000Z',
    })
  })

  test('all rows together are the whole, by any two names', async () => {
    const folder = corpus()
    const names = ['hour', 'day', 'project', 'model', 'session', 'user', 'host', 'branch', 'sidechain']
    const pairs = names.flatMap((a, i) => names.slice(i + 1).map((b) => `${a},${b}`)).filter((by) => by !== 'hour,day')
    const tables = await Promise.all(
      pairs.filter((_, i) => i % 5 === 0).map(async (by) => (await rowsOf(folder, '--by', by)).rows),
    )
    for (const rows of tables)
      expect(rows.reduce((sum: number, row: { tokens: { total: string } }) => sum + Number(row.tokens.total), 0)).toBe(
        1022,
      )
  })

  test('sorts by what is asked for: what has its first column in common stays together', async () => {
    const folder = corpus()
    const order = async (by: string, ...args: string[]) =>
      (await rowsOf(folder, '--by', by, ...args)).rows.map((row: Record<string, string>) =>
        by.split(',').map((name) => row[name]),
      )
    expect(await order('day')).toEqual([['2026-04-01'], ['2026-04-02'], ['2026-05-01']])
    expect(await order('day', '--order', 'desc')).toEqual([['2026-05-01'], ['2026-04-02'], ['2026-04-01']])
    expect(await order('day', '--order', 'tokens')).toEqual([['2026-04-02'], ['2026-04-01'], ['2026-05-01']])
    expect(await order('model,day')).toEqual([
      [SONNET, '2026-04-01'],
      [SONNET, '2026-04-02'],
      ['mystery', '2026-05-01'],
      [OPUS, '2026-04-02'],
    ])
    expect(await order('model', '--order', 'cost,asc')).toEqual([['mystery'], [OPUS], [SONNET]])
    expect(await order('model', '--order', 'name')).toEqual([[OPUS], [SONNET], ['mystery']])
    expect(await order('session', '--order', 'asc')).toEqual([['s1'], ['s2'], ['s3']])
  })

  test('shows a table that says once what rows have in common, and rules off its head and its sum alone', async () => {
    const { stdout } = await analyze(corpus(), '--by', 'project,model')
    const lines = stdout.split('\n')
    expect(lines.filter((text) => /^[├┌└]/.test(text))).toHaveLength(4)
    expect(lines.filter((text) => text.includes('/home/ann/my_shop'))).toHaveLength(1)
    expect(lines.filter((text) => text.includes('notes'))).toHaveLength(1)
    expect(stdout).toContain('4 records in 3 sessions, 2026-04-01 to 2026-05-01, time zone UTC')
    expect(stdout).toContain('7 of these tokens have no known price and are in no cost')
    expect(stdout).toContain(
      'in all: 2 transcripts, 0 duplicate lines not counted, 1 line refused (--quality tells why)',
    )
    // a terminal is wanted for colours
    expect(stdout).not.toContain('\x1b')
  })

  test('speaks under the table of what was selected', async () => {
    const { stdout } = await analyze(corpus(), '--model', SONNET, '--until', '2026-04-01')
    expect(stdout).toContain('1 record in 1 session, 2026-04-01, time zone UTC')
    expect(stdout).not.toContain('no known price')
    expect(stdout).toContain('in all: 2 transcripts')
  })

  test('fits 80 columns when it is compact, and says what it left out', async () => {
    const folder = corpus()
    for (const by of ['day', 'project,model', 'day,project,model', 'session,branch,host', 'session']) {
      const { stdout } = await analyze(folder, '--by', by, '--compact', '--time-zone', 'America/Argentina/Buenos_Aires')
      expect(Math.max(...stdout.split('\n').map((text) => text.length))).toBeLessThanOrEqual(80)
      expect(stdout).toMatch(/│ +Total │ Cost USD │/)
      if (by !== 'day') expect(stdout).toMatch(/too wide to show: .*Records/s)
    }
  })

  test('fits 80 columns when it is compact and tells what was refused: each place with the name of its file', async () => {
    const folder = makeFolder()
    const file = '0b7c1f5e-6a1d-4a55-9e0b-3c1f6a7d8e9f.jsonl'
    const huge = line({ id: 'msg_1', usage: { output_tokens: 10 ** 13 } })
    const lines = ['broken', huge, line({ id: 'msg_2', time: 'soon' }), line({ id: 'msg_3' })]
    writeTranscripts(folder, {
      [`-home-ann-a-folder-of-a-name-that-is-long/${file}`]: [...Array(150).fill('broken'), ...lines],
    })
    const { stdout } = await analyze(folder, '--quality', '--compact')
    expect(Math.max(...stdout.split('\n').map((text) => text.length))).toBeLessThanOrEqual(80)
    expect(stdout).toContain('malformed_json: 151 lines')
    expect(stdout).toContain(`${file}:2 (byte 7)`)
    expect(stdout).toContain('and 51 more')
    expect(stdout).toMatch(/token_count_out_of_range: 1 line\n {2}….*:152 \(byte 1,057\)/)
    // as a table where there is room
    const wide = await analyze(folder, '--quality')
    expect(wide.stdout).toMatch(/│ malformed_json +│ +151 │ .*:1 \(0\)/)
  })

  test('prints CSV that a program reads, and Markdown', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, {
      'a, "b"|c/a.jsonl': [line({ id: 'msg_1', model: '=cmd|x', time: '2026-04-01T10:00:00Z' })],
      [`${'long'.repeat(60)}/a.jsonl`]: [line({ id: 'msg_2', model: '-1|x\n\x1b[2J', time: '2026-04-01T10:00:00Z' })],
    })
    const csv = await analyze(folder, '--by', 'project,model', '--format', 'csv')
    expect(csv.stdout.split('\n').sort()).toEqual([
      '',
      `"a, ""b""|c",,'=cmd|x,1,1,0,0,2,1,`,
      `${'long'.repeat(60)},,'-1|x\\x0a\\x1b[2J,1,1,0,0,2,1,`,
      'project,project_path,model,input,output,cache_creation,cache_read,total,records,cost_usd',
    ])
    const { stdout } = await analyze(folder, '--by', 'day,project', '--format', 'markdown')
    const [head, rule, row] = stdout.split('\n')
    expect(head).toContain('| day | project | project\\_path | input |')
    expect(rule).toContain('| --- | --- | --- | --: |')
    expect(row).toContain('| 2026-04-01 | a, "b"\\|c |')
    expect(stdout).toContain('| Total |  |  | 2 | 2 | 0 | 0 | 4 | 2 |')
  })

  test('goes on telling all lists with --json', async () => {
    const { stdout } = await analyze(corpus(), '--json', '--by', 'model,day')
    const report = JSON.parse(stdout)
    expect(report.by).toEqual(['model', 'day'])
    expect(report.rows).toHaveLength(4)
    expect(report.byDay.map(({ date }: { date: string }) => date)).toEqual(['2026-04-01', '2026-04-02', '2026-05-01'])
    expect(report.byProject[0]).toMatchObject({ project: '-home-ann-my-shop', tokens: { total: '1015' } })
    expect(report.bySession).toHaveLength(3)
  })
})
