import { describe, expect, test } from 'vitest'
import { run } from '../support/cli.ts'
import { line, makeFolder, writeTranscripts } from '../support/transcripts.ts'

const MINUTE = 60_000

/** A block of last year, two of last month that follow each other, and one that goes on now. */
function corpus(): string {
  const folder = makeFolder()
  const now = Date.now()
  const at = (id: number, time: number, tokens: number) =>
    line({ id: `msg_${id}`, time: new Date(time).toISOString(), usage: { input_tokens: tokens, output_tokens: 0 } })
  writeTranscripts(folder, {
    'p/a.jsonl': [
      at(1, Date.UTC(2025, 3, 2, 9, 15), 2000),
      at(2, Date.UTC(2025, 3, 2, 13, 59), 500),
      at(3, Date.UTC(2025, 3, 2, 14, 0), 100),
      at(4, now - 20 * MINUTE, 1000),
      at(5, now - 10 * MINUTE, 1000),
    ],
  })
  return folder
}

const blocks = (folder: string, ...args: string[]) =>
  run(['blocks', '--transcripts', folder, '--no-index', ...args], folder)

describe('token-bridge blocks', () => {
  test('tells windows of five hours with what was used, and of the active one what it comes to', async () => {
    const { stdout, stderr, code } = await blocks(corpus(), '--format', 'json', '--limit', 'max')
    expect([code, stderr]).toEqual([0, ''])
    const report = JSON.parse(stdout)
    expect([report.timeZone, report.limit]).toEqual(['UTC', '2500'])
    const [first, second, active] = report.blocks
    expect(first).toMatchObject({
      start: '2025-04-02T09:00:00.000Z',
      end: '2025-04-02T14:00:00.000Z',
      firstAt: '2025-04-02T09:15:00.000Z',
      lastAt: '2025-04-02T13:59:00.000Z',
      isActive: false,
      models: ['claude-sonnet-4-5-20250929'],
      tokens: { total: '2500' },
      recordCount: '2',
      projection: null,
      limit: { percentUsed: 100, percentProjected: null, tokensLeft: '0', status: 'near' },
    })
    expect(second).toMatchObject({ start: '2025-04-02T14:00:00.000Z', burnRate: null, tokens: { total: '100' } })
    expect(active).toMatchObject({ isActive: true, burnRate: { tokensPerMinute: 200 }, limit: { percentUsed: 80 } })
    const { remainingMinutes, tokens } = active.projection
    expect(tokens).toBe(String(2000 + 200 * remainingMinutes))
    expect(active.limit.status).toBe('over')
  })

  test('shows them as a table that says how the active one goes, in 80 columns when it is compact', async () => {
    const { stdout, code } = await blocks(corpus(), '--compact', '--limit', '1_000_000')
    expect(code).toBe(0)
    expect(stdout).toMatch(/│ 2025-04-02 09:00 │ 14:00 │ used 4h 44m │ 2,500 │ +0\.01 │ +0\.2 │/)
    expect(stdout).toMatch(/\nactive for \d+m|\nactive for 1h \d+m/)
    expect(stdout).toMatch(/\nrate: 200 tokens a minute, USD 0\.04 an hour\n/)
    expect(stdout).toMatch(/\nat this rate: [\d,]+ tokens and USD \d+\.\d\d at 20/)
    expect(stdout).toMatch(/\nlimit: 0\.2 % of 1,000,000 used, \d\.\d % at this rate\n/)
    expect(Math.max(...stdout.split('\n').map((text) => text.length))).toBeLessThanOrEqual(80)
  })

  test('where nothing is selected it says when the latest block was, and where max is of nothing, that it is', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, { 'p/a.jsonl': [line({ time: '2025-04-02T09:15:00Z' })] })
    expect((await blocks(folder, '--active', '--limit', 'max')).stdout).toBe(
      'No block: the latest is from 2025-04-02 09:00 to 2025-04-02 14:00, UTC.\n',
    )
    writeTranscripts(folder, { 'p/a.jsonl': [line({ time: new Date().toISOString() })] })
    expect((await blocks(folder, '--active', '--limit', 'max')).stdout).toMatch(/\nlimit: none yet, as max is the most/)
  })

  test('selects by time, number and what goes on, though a block begins where the one before says', async () => {
    const folder = corpus()
    const starts = async (...args: string[]) =>
      JSON.parse((await blocks(folder, '--json', ...args)).stdout).blocks.map(({ start }: { start: string }) => start)
    const all = await starts()
    expect(all).toHaveLength(3)
    expect(await starts('--last', '2')).toEqual(all.slice(1))
    expect(await starts('--last', '2d')).toEqual(all.slice(2))
    expect(await starts('--active')).toEqual(all.slice(2))
    expect(await starts('--order', 'desc')).toEqual(all.toReversed())
    // the block of 9:00 has the record of 13:59, so the next one begins at 14:00
    expect(await starts('--since', '2025-04-02T13:30:00Z', '--until', '2025-04-02')).toEqual([all[1]])
    expect(await starts('--hours', '4', '--until', '2025-12-31')).toEqual([
      '2025-04-02T09:00:00.000Z',
      '2025-04-02T13:00:00.000Z',
    ])
  })

  test('says that there is none', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, { 'p/a.jsonl': [line()] })
    expect(await blocks(folder, '--active')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^No block: the latest is from 2026-04-02 09:00/),
      stderr: '',
    })
    expect(JSON.parse((await blocks(folder, '--active', '--json')).stdout)).toMatchObject({ blocks: [], limit: null })
  })

  test.each([
    [['--limit', 'much'], '--limit must be a number of tokens'],
    [['--limit', '0'], '--limit must be a number of tokens'],
    [['--hours', '0'], '--hours must be a whole number from 1 to 168'],
    [['--last', '2', '--since', '2026-04-01'], '--last and --since both say when'],
    [['--user', 'nobody'], 'no user "nobody"; there are: '],
    [['--order', 'cost'], 'Allowed choices are asc, desc'],
  ])('%j is wrong usage: exit code 2', async (args, message) => {
    const { code, stdout, stderr } = await blocks(corpus(), ...args)
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain(message)
  })
})
