import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { watchRoots } from '../../../../src/enhanced-analysis/scanning/watching.ts'
import { makeFolder } from '../../../support/transcripts.ts'
import { until } from '../../../support/until.ts'

describe('watching the roots', () => {
  test('a root that is a symbolic link is watched where it leads', async () => {
    const folder = makeFolder()
    const target = join(folder, 'elsewhere')
    const link = join(folder, 'projects')
    mkdirSync(target)
    symlinkSync(target, link)
    let changes = 0
    const problems: string[] = []
    const watching = watchRoots(
      [{ path: link, user: 'ann', host: 'laptop' }],
      () => changes++,
      (problem) => problems.push(problem),
    )
    try {
      await watching.extend()
      expect([watching.problem(), problems]).toEqual([undefined, []])
      const before = changes
      writeFileSync(join(target, 'a.jsonl'), '\n')
      await until('the change to be noticed', () => (changes > before ? true : undefined))
    } finally {
      await watching.close()
    }
  })
})
