import { execFile } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { BIN } from '../support/cli.ts'
import { line, makeFolder, writeTranscripts } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

const MINUTE = 60_000
const MODEL = 'claude-sonnet-4-5-20250929'

interface Line {
  code: number | string | null | undefined
  stdout: string
  stderr: string
}

/** Runs it as an agent does: JSON on stdin, in the folder that somebody works in. */
function status(folder: string, told: unknown, args: string[] = [], settings: Record<string, string> = {}) {
  const work = join(folder, 'work')
  mkdirSync(work, { recursive: true })
  return new Promise<Line>((resolve) => {
    const child = execFile(
      process.execPath,
      [BIN, 'statusline', ...args],
      {
        cwd: work,
        env: { PATH: process.env.PATH ?? '', HOME: folder, CLAUDE_CONFIG_DIR: folder, TZ: 'UTC', ...settings },
      },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : error.code, stdout, stderr }),
    )
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(typeof told === 'string' ? told : JSON.stringify(told))
  })
}

/** Its line once what there is was counted. */
const counted = (folder: string, told: unknown, args: string[] = [], settings: Record<string, string> = {}) =>
  until('a line with figures', async () => {
    const { code, stdout, stderr } = await status(folder, told, args, settings)
    expect([code, stderr]).toEqual([0, ''])
    return stdout.includes('counts …') ? undefined : stdout
  })

/** A session of today and one of long ago: 2 dollars each, at 3 dollars a million. */
function corpus(): string {
  const folder = makeFolder()
  const at = (id: number, session: string, time: number, tokens: number) =>
    line({
      ...{ id: `msg_${id}`, session, time: new Date(time).toISOString(), model: MODEL },
      usage: { input_tokens: tokens, output_tokens: 0 },
    })
  const now = Date.now()
  writeTranscripts(folder, {
    'p/a.jsonl': [at(1, 's1', now - 2 * MINUTE, 100_000), at(2, 's1', now - MINUTE, 100_000)],
    'p/b.jsonl': [at(3, 's2', Date.UTC(2025, 3, 2), 100_000)],
  })
  return folder
}

const told = (folder: string, session = 's1') => ({
  session_id: session,
  transcript_path: join(folder, 'projects', 'p', 'a.jsonl'),
  model: { id: MODEL, display_name: 'Sonnet 4.5' },
  context_window: { used_percentage: 41.6 },
})

describe('token-bridge statusline', () => {
  test('tells the session, today and the block, at first only that it counts', async () => {
    const folder = corpus()
    const first = await status(folder, told(folder))
    expect(first).toEqual({
      code: 0,
      stdout: 'Sonnet 4.5 · token-bridge counts … · context 42%\n',
      stderr: '',
    })
    // the day may end between the two records and the line
    expect(await counted(folder, told(folder))).toMatch(
      /^Sonnet 4\.5 · session \$0\.60 \(200\.0k tokens\) · today \$0\.\d0 · block \$0\.60, \$36\.00\/h, [34]h \d+m left · context 42%\n$/,
    )
    expect(await counted(folder, told(folder, 's2'))).toContain(' · session $0.30 (100.0k tokens) · ')
    // nothing is left where somebody works
    expect([existsSync(join(folder, '.token-bridge')), readdirSync(join(folder, 'work'))]).toEqual([true, []])
  })

  test('counts what is new for a line that follows, by itself', async () => {
    const folder = corpus()
    await counted(folder, told(folder))
    const more = { id: 'msg_9', session: 's1', time: new Date().toISOString(), model: MODEL }
    writeTranscripts(folder, {
      'p/a.jsonl': [line({ ...more, usage: { input_tokens: 1_000_000, output_tokens: 0 } })],
    })
    await until('the new record', async () => {
      const { stdout } = await status(folder, told(folder))
      return stdout.includes('(1.0M tokens)') || undefined
    })
  })

  test('shows the block beside a limit, in colours where the agent is said to have them', async () => {
    const folder = corpus()
    const settings = { DATA_DIR: join(folder, 'data') }
    expect(await counted(folder, told(folder), ['--limit', '1_000_000'], settings)).toContain(' · limit 20% · ')
    expect(await counted(folder, told(folder), ['--limit', 'max'], settings)).toContain(' · limit 200% · ')
    const colored = await counted(folder, told(folder), ['--limit', 'max'], { ...settings, FORCE_COLOR: '1' })
    expect(colored).toContain(' · \x1b[31mlimit 200%\x1b[39m · ')
    expect(readdirSync(join(folder, 'data', 'index')).some((name) => name.startsWith('statusline-'))).toBe(true)
  })

  test('takes its day from a time zone', async () => {
    const folder = makeFolder()
    const time = Date.now() - 12 * 60 * MINUTE
    writeTranscripts(folder, {
      'p/a.jsonl': [line({ time: new Date(time).toISOString(), usage: { input_tokens: 100_000, output_tokens: 0 } })],
    })
    // half a day apart: it is today in one of them
    for (const timeZone of ['UTC', 'Etc/GMT-12']) {
      const dateOf = (at: number) => new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short' }).format(at)
      const expected = () => (dateOf(time) === dateOf(Date.now()) ? 'today $0.30\n' : 'today $0.00\n')
      // midnight may come meanwhile
      const before = expected()
      const found = await counted(folder, {}, ['--time-zone', timeZone])
      expect([before, expected()]).toContain(found)
    }
  })

  test.each<[string, unknown, string[], RegExp]>([
    ['text that is no JSON', 'broken', [], /^token-bridge: stdin holds no JSON\n$/],
    ['nothing', '', [], /^token-bridge: stdin holds no JSON\n$/],
    ['JSON that is no object', '5', [], /^token-bridge: stdin holds no JSON object\n$/],
    ['an unknown option', {}, ['--wat'], /^token-bridge: Unknown option '--wat'.*\n$/],
    ['a wrong limit', {}, ['--limit', 'much'], /^token-bridge: --limit must be .*\n$/],
    ['a file that is not there', {}, ['/nowhere'], /^token-bridge: ENOENT.*\n$/],
    [
      'members of other types',
      { session_id: 5, model: 'x', transcript_path: {}, context_window: null },
      [],
      /counts …\n$/,
    ],
  ])('is a short text, exit code 0, of %s', async (_, input, args, expected) => {
    const { code, stdout, stderr } = await status(makeFolder(), input, args)
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(expected)
    expect(stdout.length).toBeLessThan(250)
  })

  test('tells in the line why nothing can be counted', async () => {
    const folder = makeFolder()
    expect(await counted(folder, {}, [], { CLAUDE_CONFIG_DIR: '/nowhere' })).toBe(
      'token-bridge: transcripts folder /nowhere does not exist\n',
    )
    expect(await counted(corpus(), {}, ['--time-zone', 'Mars'])).toContain('--time-zone "Mars" is not')
    // a folder of data that cannot be one
    writeFileSync(join(folder, 'file'), '')
    const settings = { DATA_DIR: join(folder, 'file', 'data') }
    expect(await status(folder, {}, [], settings)).toMatchObject({ code: 0, stderr: '' })
  })

  test.runIf(existsSync('/proc/self'))(
    'tells in the line that it can write nothing, instead of counting for ever',
    async () => {
      const { code, stdout, stderr } = await status(corpus(), {}, [], { DATA_DIR: '/proc/nowhere' })
      expect([code, stderr]).toEqual([0, ''])
      expect(stdout).toBe(
        'token-bridge: /proc/nowhere/index cannot be made or written to (ENOENT): set another DATA_DIR\n',
      )
    },
  )

  test('has nothing that a terminal obeys, and reads a file as it reads stdin', async () => {
    const folder = corpus()
    const text = '\x1b[2J\n\u202eowned'
    const hostile = { ...told(folder), model: { display_name: text.repeat(100) }, session_id: text }
    const { stdout } = await status(folder, hostile)
    expect(stdout).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/)
    expect(stdout.split('\n')).toHaveLength(2)
    const file = join(folder, 'told.json')
    writeFileSync(file, JSON.stringify(told(folder)))
    expect((await status(folder, '', [file])).stdout).toContain('Sonnet 4.5 · ')
    expect((await status(folder, told(folder), ['-'])).stdout).toContain('Sonnet 4.5 · ')
  })

  test('believes no status that it cannot read, and counts anew', async () => {
    const folder = corpus()
    await counted(folder, told(folder))
    const index = join(folder, '.token-bridge', 'index')
    const path = join(index, readdirSync(index).find((name) => /^statusline-.*\.json$/.test(name)) as string)
    for (const content of ['{', '{"version":0}', 'null', '[]']) {
      writeFileSync(path, content)
      chmodSync(path, 0o600)
      expect(await counted(folder, told(folder))).toContain('session $0.60')
    }
  })
})
