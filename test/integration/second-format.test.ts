import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { openAnalysis } from '../../src/enhanced-analysis/analysis.ts'
import { indexPathFor } from '../../src/enhanced-analysis/index/index-path.ts'
import { resolveRoots } from '../../src/transcripts/roots.ts'
import { line, makeFolder, totals, writeTranscripts } from '../support/transcripts.ts'

// the one line that another agent's format needs
vi.mock('../../src/transcripts/formats.ts', async (original) => {
  const { FORMATS } = await original<typeof import('../../src/transcripts/formats.ts')>()
  const { tiny } = await import('../support/tiny-format.ts')
  return { FORMATS: [...FORMATS, tiny] }
})

const settings = { claudeConfigDir: undefined, user: 'ann', host: 'laptop' }

test('the agents’ own folders are all looked at', () => {
  const roots = resolveRoots({ ...settings, transcriptsDir: undefined, home: '/home/ann' })
  expect(roots.map(({ path, format }) => [path, format])).toEqual([
    ['/home/ann/.config/claude/projects', undefined],
    ['/home/ann/.claude/projects', undefined],
    ['/home/ann/.tiny/runs', 'tiny'],
  ])
})

test('transcripts of two agents are found, counted as each format says, summed together, and followed', async () => {
  const home = makeFolder()
  writeTranscripts(join(home, 'one'), { 'shop/a.jsonl': [line()], 'shop/b.tiny': ['no transcript here'] })
  mkdirSync(join(home, 'two', 'runs'), { recursive: true })
  const path = join(home, 'two', 'runs', 'notes.tiny')
  writeFileSync(path, '1 2026-04-02T09:00:00Z tiny-1 10 20\n2 2026-04-02T10:00:00Z tiny-1 1 2\n')
  const roots = resolveRoots({ ...settings, home, transcriptsDir: '~/one,bob@desk=~/two' })
  const indexPath = indexPathFor(join(home, 'data'), roots)
  const open = () => {
    const analysis = openAnalysis({ roots, indexPath, scanThreads: 0 })
    const records = () => {
      const [answer] = analysis.answer([{ filter: {}, groupings: [['project', 'session', 'user']] }])
      return Object.values(answer?.groups ?? {})
        .flat()
        .map(({ values, usage }) => [...values, usage[0]?.model, totals(usage).input, totals(usage).output].join(' '))
        .sort()
    }
    return { analysis, records }
  }
  const first = open()
  expect(await first.analysis.refresh()).toMatchObject({ files: 2, unreadable: [] })
  const claude = 'shop session-1 ann claude-sonnet-4-5-20250929 1 1'
  expect(first.records()).toEqual(['notes notes bob tiny-1 11 22', claude])
  // only what was appended is read, also by the next process
  first.analysis.close()
  const appended = '3 2026-04-02T11:00:00Z tiny-1 100 200\n'
  appendFileSync(path, appended)
  const again = open()
  onTestFinished(() => again.analysis.close())
  expect(await again.analysis.refresh()).toMatchObject({ files: 2, filesRead: 1, bytesRead: appended.length })
  expect(again.records()).toEqual(['notes notes bob tiny-1 111 222', claude])
})

test('what a folder’s files say in one format is not kept for another', () => {
  const root = { path: '/t', user: 'ann', host: 'laptop' }
  expect(indexPathFor('/data', [{ ...root, format: 'tiny' }])).not.toBe(indexPathFor('/data', [root]))
})
