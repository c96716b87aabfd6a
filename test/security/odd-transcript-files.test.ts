import { execFileSync } from 'node:child_process'
import { lstatSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { contentHash } from '../../src/enhanced-analysis/scanning/file-content.ts'
import { scanFile } from '../../src/enhanced-analysis/scanning/file-scan.ts'
import { createReader } from '../../src/transcripts/claude-code/reader.ts'
import { analysisOf, line, makeFolder, wholeOf, writeTranscripts } from '../support/transcripts.ts'

const bytes = (...parts: (string | number[])[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from(part))))

describe('a name that is no UTF-8', () => {
  test('is told with its bytes and what to do, and the files beside it are counted', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, { 'p/a.jsonl': [line()], 'p/real \ufffd.jsonl': [line({ id: 'msg_2' })] })
    const projects = join(folder, 'projects')
    writeFileSync(bytes(`${projects}/p/real `, [0xff], '.jsonl'), `${line({ id: 'msg_3' })}\n`)
    writeFileSync(bytes(`${projects}/p/notes `, [0xff], '.txt'), 'no transcript')
    mkdirSync(bytes(`${projects}/`, [0xe9, 0x74, 0xe9]))
    writeFileSync(bytes(`${projects}/`, [0xe9, 0x74, 0xe9], '/b.jsonl'), `${line({ id: 'msg_4' })}\n`)
    const analysis = analysisOf(folder)
    const { unreadable, files } = await analysis.refresh()
    expect([files, wholeOf(analysis).records]).toEqual([2, 2])
    const remedy = 'its name is no UTF-8: rename it, so that it can be counted'
    expect(unreadable.sort()).toEqual([
      `${projects}/\\xe9t\\xe9: ${remedy}`,
      `${projects}/p/real \\xff.jsonl: ${remedy}`,
    ])
    renameSync(bytes(`${projects}/p/real `, [0xff], '.jsonl'), join(projects, 'p', 'c.jsonl'))
    renameSync(bytes(`${projects}/`, [0xe9, 0x74, 0xe9]), join(projects, 'été'))
    expect(await analysis.refresh()).toMatchObject({ files: 4, unreadable: [] })
    expect(wholeOf(analysis).records).toBe(4)
  })
})

describe('a name that is odd', () => {
  test.each([
    ['a line feed', 'a\nb'],
    ['control characters', '\x01\x1b[31m\x7f'],
    ['quotes', `'"\`$(x)`],
    ['a name of 249 bytes', 'x'.repeat(249)],
    ['bidirectional controls', '\u202egnp'],
    ['only a suffix', ''],
    ['a backslash', 'C:\\x'],
    ['spaces', '  '],
  ])('is counted: %s', async (_what, name) => {
    const folder = makeFolder()
    writeTranscripts(folder, { [join(name === '' ? 'p' : name, `${name}.jsonl`)]: [line()] })
    const analysis = analysisOf(folder, { index: true })
    expect(await analysis.refresh()).toMatchObject({ files: 1, unreadable: [] })
    expect(wholeOf(analysis).records).toBe(1)
    analysis.close()
    const again = analysisOf(folder, { index: true })
    expect(await again.refresh()).toMatchObject({ filesRead: 0 })
    expect(wholeOf(again).records).toBe(1)
  })
})

const ODD: [string, (path: string) => void | Promise<void>][] = [
  ['a named pipe', (path) => void execFileSync('mkfifo', [path])],
  ['a folder', (path) => void mkdirSync(path)],
  ['a link to a device', (path) => symlinkSync('/dev/zero', path)],
  ['a link to itself', (path) => symlinkSync(path, path)],
  [
    'a socket',
    (path) =>
      new Promise((resolve) => {
        const server = createServer().listen(path, resolve)
        onTestFinished(() => void server.close())
      }),
  ],
]

describe('what has the name of a transcript and is none', () => {
  test.each(ODD)('is skipped: %s', async (_what, make) => {
    const folder = makeFolder()
    writeTranscripts(folder, { 'p/a.jsonl': [line()] })
    await make(join(folder, 'projects', 'p', 'b.jsonl'))
    // a circle of links
    symlinkSync('..', join(folder, 'projects', 'p', 'circle'))
    const analysis = analysisOf(folder)
    expect(await analysis.refresh()).toMatchObject({ files: 1, unreadable: [] })
    expect(wholeOf(analysis).records).toBe(1)
  })

  test.each(ODD)(
    'is not waited for where it takes the place of a transcript that was found: %s',
    async (_what, make) => {
      const path = join(makeFolder(), 'a.jsonl')
      await make(path)
      // as if its number were that of the file before it
      const stat = lstatSync(path, { bigint: true })
      const job = { path, root: '/', relativePath: 'p/a.jsonl', from: 0, key: '0:0' }
      const sink = { update: () => expect.unreachable(), progress() {} }
      expect(scanFile(job, createReader(), sink)).toBe('gone')
      expect(scanFile({ ...job, key: `${stat.dev}:${stat.ino}` }, createReader(), sink)).toBe('gone')
    },
  )

  test('has no content', async () => {
    const path = join(makeFolder(), 'a.jsonl')
    execFileSync('mkfifo', [path])
    expect(await contentHash(path, 10)).toBe('')
  })

  test('and a folder that becomes a file is gone', () => {
    const folder = makeFolder()
    writeFileSync(join(folder, 'p'), 'a file')
    const job = { path: join(folder, 'p', 'a.jsonl'), root: '/', relativePath: 'p/a.jsonl', from: 0, key: '0:0' }
    expect(scanFile(job, createReader(), { update: () => expect.unreachable(), progress() {} })).toBe('gone')
    rmSync(join(folder, 'p'))
    expect(scanFile(job, createReader(), { update: () => expect.unreachable(), progress() {} })).toBe('gone')
  })
})
