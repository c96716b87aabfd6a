import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { resolveRoots } from '../../../src/transcripts/roots.ts'
import { makeFolder } from '../../support/transcripts.ts'

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
      { path: join(home, 'b', 'projects'), user: 'bob', host: 'desk', isLabelled: true },
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
