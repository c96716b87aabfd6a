import { cpSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { transcriptKey } from '../../../../src/domain/log-name.ts'
import { openAnalysis } from '../../../../src/enhanced-analysis/analysis.ts'
import type { LogState } from '../../../../src/ports/logs.ts'
import { served } from '../../../support/sides.ts'
import { analysisOf, line, makeFolder, writeTranscripts } from '../../../support/transcripts.ts'

const ALL = { journal: false, transcripts: 'all' } as const
const OTHER = { user: 'bob', host: 'tower' }

function disk(): string {
  const folder = makeFolder()
  writeTranscripts(folder, { 'p/a.jsonl': [line({ id: 'msg_1' }), line({ id: 'msg_2' })] })
  return folder
}
function copyOf(folder: string): string {
  const other = makeFolder()
  cpSync(join(folder, 'projects'), join(other, 'projects'), { recursive: true })
  return other
}
async function looked(folder: string, options: Parameters<typeof analysisOf>[1] = {}) {
  const analysis = analysisOf(folder, options)
  await analysis.refresh()
  const { logs } = served(analysis)
  /** The states once everything is published. */
  const published = async (): Promise<LogState[]> => (await logs.nextRanges(ALL, 1000)).map(({ state }) => state)
  return { analysis, logs, published }
}

describe('a log', () => {
  test('that a release before shipped is known where it stood, and on every disk once it is registered', async () => {
    const folder = disk()
    const path = join(folder, 'projects', 'p/a.jsonl')
    const { analysis, logs, published } = await looked(folder)
    const [state] = (await published()) as [LogState]
    const { user: _, host: __, content: ___, head: ____, inode: _____, ...rest } = state
    const before: LogState = { ...rest, key: transcriptKey(statSync(path)), path }
    await logs.update([before])
    expect(logs.unshippedBytes()).toBe(0)
    const other = await looked(copyOf(folder), { owner: OTHER })
    await other.logs.update([before])
    expect(other.logs.unshippedBytes()).toBe(before.publishedTo)
    const registered = await logs.registrations('old')
    expect(registered).toEqual([
      {
        ...before,
        ...{ user: 'ann', host: 'laptop', inode: before.key },
        content: { to: before.publishedTo, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
        head: expect.objectContaining({ to: expect.any(Number) }),
      },
    ])
    await other.logs.update(registered)
    expect(other.logs.unshippedBytes()).toBe(0)
    await logs.update(registered)
    expect(await logs.registrations('old')).toEqual([])
    const hostsOf = (one: typeof analysis) => one.answer([{ filter: {}, groupings: [['host']] }])[0]?.groups
    expect(hostsOf(other.analysis)).toEqual(hostsOf(analysis))
  })

  test('is called as it stands, where another one was before that is elsewhere now', async () => {
    const folder = disk()
    const at = (path: string): string => join(folder, 'projects', path)
    const { analysis, logs, published } = await looked(folder)
    await logs.update(await published())
    renameSync(at('p/a.jsonl'), at('p/b.jsonl'))
    writeTranscripts(folder, { 'p/c.jsonl': [line({ id: 'msg_3' })] })
    await analysis.refresh()
    await logs.prove()
    renameSync(at('p/c.jsonl'), at('p/a.jsonl'))
    writeTranscripts(folder, { 'p/c.jsonl': [line({ id: 'msg_4' })] })
    await analysis.refresh()
    await logs.prove()
    const names = (await logs.registrations('new')).map(({ path, relativePath }) => [path, relativePath])
    expect(names.toSorted()).toEqual([
      ['ann@laptop/p/a.jsonl~2', 'p/a.jsonl'],
      ['ann@laptop/p/c.jsonl', 'p/c.jsonl'],
    ])
  })

  test('is proven by what the index has of it: after a start nothing is read again', async () => {
    const folder = disk()
    const first = await looked(folder, { index: true })
    const states = await first.published()
    first.analysis.close()
    const again = await looked(folder, { index: true })
    again.analysis.shipping.update(states)
    expect(again.analysis.shipping.unproven()).toEqual([])
    expect(again.logs.unshippedBytes()).toBe(0)
    writeFileSync(join(folder, 'projects', 'p/a.jsonl'), `${line({ id: 'msg_3' })}\n${line({ id: 'msg_4' })}\n`)
    await again.analysis.refresh()
    await again.logs.prove()
    expect(again.logs.unshippedBytes()).toBe(states[0]?.publishedTo)
  })

  test('is called otherwise than one at the same path under another root with the same owner, and known as it was', async () => {
    const folders = [disk(), makeFolder()] as const
    writeTranscripts(folders[1], {
      'p/a.jsonl': [line({ id: 'msg_3', usage: { output_tokens: 9 } })],
      'p/b.jsonl': [line({ id: 'msg_4' })],
    })
    const both = async (of: readonly string[]) => {
      const roots = of.map((folder) => ({ path: join(folder, 'projects'), user: 'ann', host: 'laptop' }))
      const analysis = openAnalysis({ roots, scanThreads: 0 })
      onTestFinished(analysis.close)
      await analysis.refresh()
      return served(analysis).logs
    }
    const logs = await both(folders)
    const states = (await logs.nextRanges(ALL, 1000)).map(({ state }) => state)
    // by the number of the root, whatever was read first
    expect(states.map(({ path }) => path).sort()).toEqual([
      'ann@laptop/p/a.jsonl',
      'ann@laptop/p/a.jsonl~2',
      'ann@laptop/p/b.jsonl~2',
    ])
    expect(new Set(states.map(({ key }) => key)).size).toBe(3)
    const other = await both(folders.map(copyOf).reverse())
    await other.update(states)
    expect(other.unshippedBytes()).toBe(0)
  })
})
