import { linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { discover } from '../../../../src/enhanced-analysis/scanning/discovery.ts'
import { makeFolder, writeTranscripts } from '../../../support/transcripts.ts'

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
