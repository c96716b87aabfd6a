import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { cell } from '../../src/cli/cell.ts'
import { visible, visibleJson } from '../../src/domain/plain-text.ts'
import { createLogger } from '../../src/observability/logger.ts'
import { run } from '../support/cli.ts'
import { line, makeFolder, writeTranscripts } from '../support/transcripts.ts'

/** All that a terminal acts on or does not show, but for the line feeds that end lines. */
const OBEYED =
  /[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/u

const FALSE_ROW = 'claude\n│ Total │ 0 │'
const HOSTILE = {
  'clears the screen': '\x1b[2J\x1b[H',
  'sets the title': '\x1b]0;owned\x07',
  'makes a link': '\x1b]8;;http://evil\x1b\\click\x1b]8;;\x1b\\',
  'begins with C1': '\x9b31mred\x9d',
  'turns around': '\u202etxt.exe\u2066\u200f\u061c',
  'hides letters': 'ad\u200bm\u2060i\ufeffn\xad\u{e0041}\u180e',
  'breaks the line': FALSE_ROW,
  'breaks it otherwise': 'a\rb\u2028c\u2029d\x85e\x0bf\x0cg',
  deletes: 'ab\x08\x08\x7f',
  'is very long': 'm'.repeat(100_000),
  'is wide and long': '漢'.repeat(100_000),
  'combines and is long': `e${'\u0301'.repeat(100_000)}`,
}

function corpus(): string {
  const folder = makeFolder()
  Object.entries(HOSTILE).forEach(([what, text], i) => {
    // a name of a folder has at most 255 bytes, no slash and no NUL
    const name = [...text.replaceAll('/', '_')].slice(0, 60).join('')
    writeTranscripts(folder, {
      [join(name, `${i} ${name}.jsonl`)]: [line({ id: `msg_${i}`, model: text }), `not JSON ${what}`],
    })
  })
  return folder
}

describe('what analyze prints of a hostile corpus', () => {
  test.each(['model', 'project', 'session', 'user', 'day'])('by %s has nothing that a terminal obeys', async (by) => {
    const folder = corpus()
    const { stdout, stderr, code } = await run(
      ['analyze', '--transcripts', folder, '--by', by, '--quality', '--no-index'],
      folder,
    )
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).not.toMatch(OBEYED)
    const rows = stdout.split('\n').filter((row) => /^│ Total/.test(row))
    expect(rows).toHaveLength(1)
    expect(Math.max(...stdout.split('\n').map((row) => row.length))).toBeLessThan(500)
    if (by === 'model') {
      expect(stdout).toContain('│ \\x1b[2J\\x1b[H ')
      expect(stdout).toContain('│ \\u202etxt.exe\\u2066\\u200f\\u061c ')
      expect(stdout).toContain('│ ad\\u200bm\\u2060i\\ufeffn\\xad\\u{e0041}\\u180e ')
      expect(stdout).toContain('│ claude\\x0a│ Total │ 0 │ ')
      expect(stdout).toContain(`│ ${'m'.repeat(79)}… │`)
      expect(stdout).toContain(`│ ${'漢'.repeat(39)}…  │`)
    }
  })

  test.each(['csv', 'markdown'])('as %s has nothing either, and one line a row', async (format) => {
    const folder = corpus()
    const { stdout, stderr } = await run(
      ['analyze', '--transcripts', folder, '--no-index', '--by', 'project,model', '--format', format],
      folder,
    )
    expect(stderr).toBe('')
    expect(stdout).not.toMatch(OBEYED)
    const rows = stdout.split('\n').filter((row) => row.includes(',1,1,0,0,2,1,') || row.includes('| 2 | 1 |'))
    expect(rows).toHaveLength(Object.keys(HOSTILE).length)
  })

  test.each(['table', 'csv', 'markdown', 'json'])('in blocks as %s has nothing either', async (format) => {
    const folder = corpus()
    const { stdout, stderr } = await run(['blocks', '--transcripts', folder, '--no-index', '--format', format], folder)
    expect([stderr, stdout.length > 200]).toEqual(['', true])
    expect(stdout).not.toMatch(OBEYED)
  })

  test('as JSON has neither, and says exactly what is in the corpus', async () => {
    const folder = corpus()
    const { stdout } = await run(['analyze', '--transcripts', folder, '--json', '--quality', '--no-index'], folder)
    expect(stdout).not.toMatch(OBEYED)
    const { byModel, byProject } = JSON.parse(stdout) as {
      byModel: { model: string }[]
      byProject: { project: string }[]
    }
    expect(new Set(byModel.map(({ model }) => model))).toEqual(new Set(Object.values(HOSTILE)))
    expect(byProject).toHaveLength(Object.keys(HOSTILE).length)
  })

  test('of a folder that cannot be read is one line on stderr', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, { 'p/a.jsonl': [line()] })
    // bytes that are no UTF-8, beside an escape and a line feed
    execFileSync('bash', ['-c', `mkdir projects/$'\\xff\\x1b[2J\\nfalse'`], { cwd: folder })
    const { stderr, code } = await run(['analyze', '--transcripts', folder, '--no-index'], folder)
    expect(code).toBe(1)
    expect(stderr).toBe(
      `token-bridge: could not read ${folder}/projects/\\xff\\x1b[2J\\x0afalse: its name is no UTF-8: rename it, so that it can be counted\n`,
    )
  })

  test('of an index that cannot be used is one line on stderr, and the figures are whole', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, { 'p/a.jsonl': [line()] })
    writeFileSync(join(folder, 'data'), 'a file')
    const { stdout, stderr, code } = await run(['analyze', '--transcripts', folder, '--json'], folder, {
      DATA_DIR: join(folder, 'data'),
    })
    expect([code, JSON.parse(stdout).recordCount]).toEqual([0, '1'])
    expect(stderr).toMatch(/^token-bridge: the index cannot be used.*\n$/)
  })
})

describe('errors', () => {
  test.each([
    [['analyze', '--transcripts', '/nowhere/\x1b[2J\nfalse'], 1],
    [['analyze', '--time-zone', '\x1b[2J\u202e'], 2],
    [['analyze', '--by', 'a\nb\x9b'], 2],
    [['\x1b[2J'], 2],
    [['analyze', '--\x1b[2J'], 2],
    [['ingest', 'x\x1b[2J\ny'], 2],
  ])('are harmless: %j', async (args, code) => {
    const ended = await run(args, makeFolder())
    expect(ended.code).toBe(code)
    expect(ended.stderr).not.toMatch(OBEYED)
    expect(ended.stderr).toContain(args.at(-1)?.includes('\x9b') ? '\\x9b' : '\\x1b[2J')
    if (code === 1) expect(ended.stderr.split('\n')).toHaveLength(2)
  })
})

describe('what a server says', () => {
  const TEXT = `\x1b[2J\nUP        everything is fine\u202e ${'x'.repeat(100_000)}`
  /** A server that answers every question with the same data. */
  async function serverOf(data: object): Promise<string[]> {
    const server = createServer((_request, response) => response.end(JSON.stringify(data))).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    return ['--server', `http://127.0.0.1:${(server.address() as AddressInfo).port}`, '--token', 'x']
  }
  const file = { path: TEXT, bytes: '1', records: '1', tokens: '1', duplicateLines: '0', refused: [], verified: false }
  const migration = {
    ...{ id: TEXT, state: TEXT, progress: 0, filesVerified: 0, filesTotal: 1, tokensVerified: '0', tokensTotal: '1' },
    ...{ errorCount: 1, lastError: TEXT, memoryBytes: '1', alarms: [TEXT], error: TEXT, difference: TEXT },
    files: [file],
    verification: {
      ...{ archivedTokens: '0', damagedBatches: [TEXT] },
      differences: [
        { path: TEXT, day: TEXT, firstLine: '1', lastLine: '1', missing: '1', surplus: '0', altered: '0', tokens: '1' },
      ],
    },
  }
  const component = { name: TEXT, state: TEXT, detail: TEXT }
  const viewer = {
    ...{ userId: TEXT, roles: [TEXT], cohort: TEXT, preference: TEXT },
    decision: { source: TEXT, reason: TEXT },
  }
  const alert = {
    ...{ id: TEXT, name: TEXT, severity: TEXT, state: TEXT, level: 2, openedAt: TEXT, acknowledgedBy: TEXT },
    ...{ closedAt: null, message: TEXT, runbook: TEXT },
  }
  const incident = {
    ...{ id: TEXT, title: TEXT, risk: 4, startedAt: TEXT, detectedAt: TEXT, resolvedAt: null },
    timeline: [{ at: TEXT, text: TEXT, by: TEXT }],
  }
  test.each<[string[], object, number]>([
    [['alert', 'list'], { alerts: [alert] }, 3],
    [['incident', 'list'], { incidents: [incident] }, 3],
    [['health'], { health: { state: TEXT, components: [component, component] } }, 3],
    [['source'], { viewer }, 2],
    [['migrate', 'status'], { migration }, 9],
    [['migrate', 'status', '--files'], { migration }, 1],
  ])('is harmless: %j', async (args, data, lines) => {
    const { stdout, stderr } = await run([...args, ...(await serverOf({ data }))], makeFolder())
    expect(stderr).toBe('')
    expect(stdout).not.toMatch(OBEYED)
    const printed = stdout.trimEnd().split('\n')
    expect(printed).toHaveLength(lines)
    expect(Math.max(...printed.map((one) => one.length))).toBeLessThanOrEqual(2000)
    expect(stdout).toContain('\\x1b[2J\\x0aUP ')

    const json = await run([...args, '--json', ...(await serverOf({ data }))], makeFolder())
    expect(json.stdout).not.toMatch(OBEYED)
    expect(json.stdout).toContain('\\u202e')
    expect(Object.values(data)).toContainEqual(
      args.includes('--files') ? { ...migration, files: JSON.parse(json.stdout) } : JSON.parse(json.stdout),
    )
  })

  test('as an error is one line that is harmless', async () => {
    const { stderr, code } = await run(['health', ...(await serverOf({ errors: [{ message: TEXT }] }))], makeFolder())
    expect(code).toBe(1)
    expect(stderr).not.toMatch(OBEYED)
    expect(stderr.split('\n')).toHaveLength(2)
    expect(stderr.length).toBeLessThanOrEqual(2001)
  })
})

describe('harmless text', () => {
  const anyText = fc.string({ unit: 'binary', maxLength: 300 })
  test('is one line that no terminal obeys, and plain text is as it was', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(`${visible(text)}${cell(text)}`).not.toMatch(OBEYED)
        expect(`${visible(`a\u200b${text}\u{e0041}`)}`).not.toMatch(OBEYED)
        expect(`${visible(text)}${cell(text)}`).not.toContain('\n')
      }),
    )
    expect(visible('Müller 漢字 👩‍💻 "quotes" \\')).toBe('Müller 漢字 👩‍💻 "quotes" \\')
  })

  test('of JSON says the same', () => {
    fc.assert(
      fc.property(fc.jsonValue(), anyText, (value, text) => {
        const json = visibleJson(JSON.stringify({ value, [text]: text }, null, 2))
        expect(json).not.toMatch(OBEYED)
        expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify({ value, [text]: text })))
      }),
    )
  })

  test('is what the log writes', () => {
    const lines: string[] = []
    const text = Object.values(HOSTILE).join('')
    createLogger('info', { write: (one) => void lines.push(one) }).info({ model: text, err: new Error(text) }, text)
    expect(lines.join('')).not.toMatch(OBEYED)
    expect(lines.join('').trimEnd()).not.toContain('\n')
    expect(JSON.parse(lines.join(''))).toMatchObject({ model: text })
  })
})
