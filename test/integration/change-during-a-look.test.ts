import { mkdirSync, renameSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openAnalysis } from '../../src/enhanced-analysis/analysis.ts'
import { line, makeFolder, wholeOf, writeTranscripts } from '../support/transcripts.ts'

/** More than is handed over in one part. */
const MANY = 20_000
const lines = (count: number, name = 'msg') => Array.from({ length: count }, (_, i) => line({ id: `${name}_${i}` }))

/** An analysis of a folder that tells how many records it counts after each change; `between` runs before each. */
function watched(folder: string) {
  const seen: number[] = []
  let between: (() => void) | undefined
  const analysis = openAnalysis({
    roots: [{ path: join(folder, 'projects'), user: 'ann', host: 'laptop' }],
    scanThreads: 0,
    async change(apply) {
      between?.()
      apply()
      seen.push(wholeOf(analysis).records)
    },
  })
  onTestFinished(analysis.close)
  return {
    async look(meanwhile?: () => void) {
      seen.length = 0
      between = meanwhile
      await analysis.refresh()
      return [...seen]
    },
  }
}

describe('between two changes of one look', () => {
  test('a long transcript that is read anew counts no less than before', async () => {
    const folder = makeFolder()
    const path = join(folder, 'projects/p/a.jsonl')
    writeTranscripts(folder, { 'p/a.jsonl': lines(MANY) })
    const { look } = watched(folder)
    const first = await look()
    expect(first.length).toBeGreaterThan(3)
    expect(first.at(-1)).toBe(MANY)
    utimesSync(path, 1, 1)
    expect(new Set(await look())).toEqual(new Set([MANY]))
    // what is left of one that shrank, at once
    truncateSync(path, `${lines(MANY - 5000).join('\n')}\n`.length)
    expect(new Set(await look())).toEqual(new Set([MANY, MANY - 5000]))
  })

  test.each([
    ['a short one', 10],
    ['a long one', MANY],
  ])('a transcript in whose place another file is put counts no less, and nothing twice: %s', async (_what, count) => {
    const folder = makeFolder()
    const path = join(folder, 'projects/p/a.jsonl')
    writeTranscripts(folder, { 'p/a.jsonl': lines(count) })
    const { look } = watched(folder)
    await look()
    writeFileSync(`${path}.tmp`, `${[...lines(count - 5), ...lines(5, 'other')].join('\n')}\n`)
    renameSync(`${path}.tmp`, path)
    expect(new Set(await look())).toEqual(new Set([count]))
  })
})

test('a transcript that is replaced again and again counts no less, whenever that is', async () => {
  const folder = makeFolder()
  const path = join(folder, 'projects/p/a.jsonl')
  writeTranscripts(folder, { 'p/a.jsonl': lines(10) })
  const { look } = watched(folder)
  await look()
  const replace = () => {
    writeFileSync(`${path}.tmp`, `${lines(10).join('\n')}\n`)
    renameSync(`${path}.tmp`, path)
  }
  const seen: number[] = []
  for (let i = 0; i < 5; i++) {
    utimesSync(path, i, i)
    seen.push(...(await look(replace)))
    replace()
    seen.push(...(await look()))
  }
  expect(new Set(seen)).toEqual(new Set([10]))
})

describe('a transcript that is renamed during a look', () => {
  test('to where was looked already is not taken for one that vanished', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, { 'p/a.jsonl': lines(10) })
    const { look } = watched(folder)
    await look()
    // as if the look at the folders had missed it
    const path = join(folder, 'projects/p/a.jsonl')
    writeTranscripts(folder, { 'p/a.jsonl': lines(20) })
    mkdirSync(join(folder, 'projects/q'))
    let moved = false
    const seen = await look(() => {
      if (moved) return
      moved = true
      renameSync(path, join(folder, 'projects/q/b.jsonl'))
    })
    expect(Math.min(...seen)).toBe(10)
    expect((await look()).at(-1)).toBe(20)
  })

  test('over another one leaves the records of one of them', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, { 'p/a.jsonl': lines(10), 'p/b.jsonl': lines(3, 'other') })
    const { look } = watched(folder)
    await look()
    renameSync(join(folder, 'projects/p/b.jsonl'), join(folder, 'projects/p/a.jsonl'))
    expect((await look()).at(-1)).toBe(3)
  })

  test('and one that is removed is counted no more at its end', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, { 'p/a.jsonl': lines(10), 'p/b.jsonl': lines(3, 'other') })
    const { look } = watched(folder)
    await look()
    writeTranscripts(folder, { 'p/a.jsonl': lines(20) })
    const seen = await look(() => rmSync(join(folder, 'projects/p/a.jsonl'), { force: true }))
    expect(seen.at(-1)).toBe(3)
  })
})
