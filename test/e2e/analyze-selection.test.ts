import { describe, expect, test } from 'vitest'
import { run } from '../support/cli.ts'
import { line, makeFolder, writeTranscripts } from '../support/transcripts.ts'

function corpus(): string {
  const folder = makeFolder()
  const inShop = (parts: Parameters<typeof line>[0]) =>
    JSON.stringify({ ...JSON.parse(line(parts)), cwd: '/home/ann/shop' })
  writeTranscripts(folder, {
    '-home-ann-shop/a.jsonl': [
      inShop({ id: 'msg_1', session: 's1', time: '2026-04-01T10:00:00Z', branch: 'main' }),
      inShop({ id: 'msg_2', session: 's1', time: '2026-04-02T10:00:00Z', model: 'claude-opus-4-5-20251101' }),
    ],
    '-home-ann-notes/b.jsonl': [
      line({ id: 'msg_3', session: 's2', time: '2026-05-01T00:00:00Z', model: 'claude-opus-4-1-20250805' }),
      line({ id: 'msg_4', session: 's2', time: '2026-05-01T00:00:00Z', model: 'claude-opus' }),
    ],
  })
  return folder
}

const analyze = (folder: string, ...args: string[]) =>
  run(['analyze', '--transcripts', folder, '--no-index', '--format', 'json', ...args], folder)

async function count(folder: string, ...args: string[]): Promise<string> {
  const { stdout, stderr, code } = await analyze(folder, ...args)
  expect([code, stderr]).toEqual([0, ''])
  return JSON.parse(stdout).recordCount
}

describe('analyze', () => {
  test('takes a project by the name of its folder and by its path', async () => {
    const folder = corpus()
    expect(await count(folder, '--project', '-home-ann-shop')).toBe('2')
    expect(await count(folder, '--project', '/home/ann/shop')).toBe('2')
    expect(await count(folder, '--project', '/home/ann/shop/')).toBe('2')
    expect(await count(folder, '--project', '/home/ann/x/../shop', '--project', '/home/ann/notes')).toBe('4')
    const { stdout } = await run(
      ['analyze', '--transcripts', folder, '--no-index', '--format', 'json', '--project', '~/shop'],
      folder,
      { HOME: '/home/ann' },
    )
    expect(JSON.parse(stdout).recordCount).toBe('2')
  })

  test('takes a model by the beginning of its name, and one of exactly that name alone', async () => {
    const folder = corpus()
    expect(await count(folder, '--model', 'claude-opus-4')).toBe('2')
    expect(await count(folder, '--model', 'claude-')).toBe('4')
    expect(await count(folder, '--model', 'claude-opus')).toBe('1')
    expect(await count(folder, '--model', 'claude-opus', '--model', 'claude-sonnet')).toBe('2')
  })

  test.each([
    [['--project', 'shpo'], 'no project "shpo"; near: /home/ann/shop'],
    [['--project', 'shop'], 'no project "shop"; near: /home/ann/shop'],
    [['--project', '/home/bob/notes'], 'no project "/home/bob/notes"; near: -home-ann-notes'],
    [['--model', 'opus'], 'no model "opus"; near: claude-opus, claude-opus-4-1-20250805, claude-opus-4-5-20251101'],
    [['--model', 'claude-sonet-4'], 'no model "claude-sonet-4"; '],
    [['--session', 's9'], 'no session "s9"; near: s1, s2'],
    [['--branch', 'mian'], 'no branch "mian"; near: main'],
    [['--user', 'nobody'], 'no user "nobody"; '],
  ])('says of %j that nothing has it, and what is near: exit code 2', async (args, message) => {
    const { stdout, stderr, code } = await analyze(corpus(), ...args)
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain(`token-bridge: ${message}`)
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
  })

  test('says that nothing was used where nothing is selected, by values that there are', async () => {
    const folder = corpus()
    for (const args of [
      ['--until', '2026-03-31'],
      ['--sidechain', 'true'],
      ['--model', 'claude-opus', '--project', '/home/ann/shop'],
    ]) {
      const { stdout, stderr, code } = await analyze(folder, ...args)
      expect(code).toBe(0)
      expect(JSON.parse(stdout)).toMatchObject({ recordCount: '0', rows: [] })
      expect(stderr).toBe(
        'token-bridge: nothing was used in what was selected; there are records from 2026-04-01 to 2026-05-01\n',
      )
    }
  })

  test('tells the line and the byte of what was refused, also in a file with CRLF and very long lines', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, {
      'p/a.jsonl': ['\ufeff{}\r', 'x'.repeat(3_000_000), line(), 'broken', '', 'broken too'],
      'p/b.jsonl': ['broken'],
    })
    const { stdout } = await analyze(folder, '--quality')
    const [{ reason, count, places }] = JSON.parse(stdout).quality.refused
    expect([reason, count]).toEqual(['malformed_json', '4'])
    const first = Buffer.byteLength('\ufeff{}\r\n')
    const fourth = first + 3_000_001 + line().length + 1
    expect(places.map((place: { line: number; offset: number }) => [place.line, place.offset])).toEqual([
      [2, first],
      [4, fourth],
      [6, fourth + 8],
      [1, 0],
    ])
  })
})
