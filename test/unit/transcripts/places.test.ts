import { linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { discover } from '../../../src/enhanced-analysis/scanning/discovery.ts'
import { nameLog } from '../../../src/transcripts/claude-code/naming.ts'
import { resolveRoots } from '../../../src/transcripts/roots.ts'
import { makeFolder, writeTranscripts } from '../../support/transcripts.ts'

const settings = {
  transcriptsDir: undefined,
  claudeConfigDir: undefined,
  home: '/home/ann',
  user: 'ann',
  host: 'laptop',
}

describe('roots', () => {
  test('are the agent’s own folders where nothing is named', () => {
    expect(resolveRoots(settings).map((root) => root.path)).toEqual([
      '/home/ann/.config/claude/projects',
      '/home/ann/.claude/projects',
    ])
  })

  test('may be config folders or projects folders, labelled or not, comma-separated, with ~', () => {
    const home = makeFolder()
    mkdirSync(join(home, 'a', 'projects'), { recursive: true })
    mkdirSync(join(home, 'b', 'projects'), { recursive: true })
    mkdirSync(join(home, 'bare'))
    const roots = resolveRoots({
      ...settings,
      home,
      transcriptsDir: `~/a, bob@desk=${home}/b/projects ,,${home}/bare,~/a/projects`,
    })
    expect(roots).toEqual([
      { path: join(home, 'a', 'projects'), user: 'ann', host: 'laptop' },
      { path: join(home, 'b', 'projects'), user: 'bob', host: 'desk' },
      { path: join(home, 'bare'), user: 'ann', host: 'laptop' },
    ])
    expect(resolveRoots({ ...settings, home, claudeConfigDir: join(home, 'a') })).toHaveLength(1)
  })

  test('a folder that was named and does not exist is an error', () => {
    expect(() => resolveRoots({ ...settings, transcriptsDir: '/nowhere/at/all' })).toThrow(
      '/nowhere/at/all does not exist',
    )
    expect(() => resolveRoots({ ...settings, claudeConfigDir: '/nowhere' })).toThrow('/nowhere does not exist')
  })
})

describe('discovery', () => {
  const find = (folder: string) =>
    discover([{ path: join(folder, 'projects'), user: 'u', host: 'h' }])
      .files.map((file) => file.relativePath)
      .sort()

  test('finds regular files that end in .jsonl, at any depth', () => {
    const folder = makeFolder()
    writeTranscripts(folder, {
      'p/a.jsonl': '',
      'p/s/subagents/agent-1.jsonl': '',
      'p/b.JSONL': '',
      'p/c.json': '',
      'p/d.jsonl.bak': '',
    })
    mkdirSync(join(folder, 'projects', 'folder.jsonl'))
    expect(find(folder)).toEqual(['p/a.jsonl', 'p/s/subagents/agent-1.jsonl'])
  })

  test('skips links below a root, but a root may be one', () => {
    const folder = makeFolder()
    const elsewhere = makeFolder()
    writeTranscripts(elsewhere, { 'p/a.jsonl': '' })
    symlinkSync(join(elsewhere, 'projects'), join(folder, 'projects'))
    symlinkSync(join(elsewhere, 'projects', 'p', 'a.jsonl'), join(elsewhere, 'projects', 'p', 'link.jsonl'))
    symlinkSync(join(elsewhere, 'projects', 'p'), join(elsewhere, 'projects', 'q'))
    expect(find(folder)).toEqual(['p/a.jsonl'])
  })

  test('finds a file once that is reached by two paths', () => {
    const folder = makeFolder()
    writeTranscripts(folder, { 'p/b.jsonl': '', 'q/c.jsonl': '' })
    linkSync(join(folder, 'projects', 'p', 'b.jsonl'), join(folder, 'projects', 'p', 'a.jsonl'))
    const root = { path: join(folder, 'projects'), user: 'u', host: 'h' }
    const nested = { ...root, path: join(folder, 'projects', 'q') }
    expect(discover([root, nested]).files.map((file) => file.path)).toHaveLength(2)
    expect(find(folder)).toEqual(['p/a.jsonl', 'q/c.jsonl'])
  })

  test('a root that does not exist yet has no files, one that is no folder is told', () => {
    const folder = makeFolder()
    expect(discover([{ path: join(folder, 'none'), user: 'u', host: 'h' }])).toEqual({ files: [], unreadable: [] })
    mkdirSync(join(folder, 'dir'))
    writeFileSync(join(folder, 'dir', 'x'), '')
    expect(discover([{ path: join(folder, 'dir', 'x'), user: 'u', host: 'h' }]).files).toEqual([])
  })
})

describe('the name of a log', () => {
  test.each([
    ['shop/a.jsonl', { project: 'shop', pathSession: undefined, stem: 'a' }],
    ['shop/agent-1.jsonl', { project: 'shop', pathSession: undefined, stem: 'agent-1' }],
    ['shop/s1/subagents/agent-1.jsonl', { project: 'shop', pathSession: 's1', stem: 'agent-1' }],
    ['shop/s1/subagents/deep/agent-1.jsonl', { project: 'shop', pathSession: 's1', stem: 'agent-1' }],
    ['subagents/a.jsonl', { project: 'subagents', pathSession: undefined, stem: 'a' }],
  ])('%s', (path, naming) => {
    expect(nameLog(path)).toEqual(naming)
  })
})
