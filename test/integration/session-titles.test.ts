import { appendFileSync, renameSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { LIMITS } from '../../src/domain/limits.ts'
import { EVERYTHING } from '../../src/domain/scope.ts'
import type { Analysis } from '../../src/enhanced-analysis/analysis.ts'
import { analysisOf, line, makeFolder, wholeOf, writeTranscripts } from '../support/transcripts.ts'

const custom = (customTitle: unknown, sessionId: unknown = 's1') =>
  JSON.stringify({ type: 'custom-title', customTitle, sessionId })
const ai = (aiTitle: unknown, sessionId: unknown = 's1') => JSON.stringify({ type: 'ai-title', aiTitle, sessionId })
const summary = (text: unknown, leafUuid: unknown) => JSON.stringify({ type: 'summary', summary: text, leafUuid })

const titlesIn = (analysis: Analysis, ...ids: string[]) =>
  analysis.titles(
    ids.map((id) => ({ id, user: 'ann', host: 'laptop' })),
    EVERYTHING,
  )

async function titleOf(lines: readonly string[] | string): Promise<string | undefined> {
  const folder = makeFolder()
  writeTranscripts(folder, { 'shop/s1.jsonl': lines })
  const analysis = analysisOf(folder)
  await analysis.refresh()
  return titlesIn(analysis, 's1')[0]
}

describe('a session is called', () => {
  test('as its user named it, before what the agent named it, before a summary; nothing where nobody did', async () => {
    const answer = line({ session: 's1', uuid: 'leaf-1' })
    expect(await titleOf([custom('Mine'), answer, ai('Its'), summary('Sum', 'leaf-1')])).toBe('Mine')
    expect(await titleOf([summary('Sum', 'leaf-1'), ai('Its'), answer])).toBe('Its')
    expect(await titleOf([summary('Sum', 'leaf-1'), answer])).toBe('Sum')
    expect(await titleOf([answer])).toBeUndefined()
  })

  test('as it was named last', async () => {
    expect(await titleOf([custom('First'), line(), custom('Second'), custom('Other', 's2')])).toBe('Second')
  })

  test('by a summary that stands in another transcript', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, {
      'shop/s1.jsonl': [line({ session: 's1', uuid: 'leaf-1' })],
      'shop/s2.jsonl': [summary('The first one', 'leaf-1'), line({ id: 'msg_2', session: 's2', uuid: 'leaf-2' })],
      'shop/summaries.jsonl': [summary('The second one', 'leaf-2'), summary('Of one that is gone', 'leaf-3')],
    })
    const analysis = analysisOf(folder)
    await analysis.refresh()
    expect(titlesIn(analysis, 's1', 's2', 's3')).toEqual(['The first one', 'The second one', undefined])
  })

  test('by the transcript that was changed last, where several name it', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, { 'a/s1.jsonl': [custom('Later')], 'b/s1.jsonl': [custom('Earlier')] })
    utimesSync(join(folder, 'projects', 'a/s1.jsonl'), 2_000_000_000, 2_000_000_000)
    utimesSync(join(folder, 'projects', 'b/s1.jsonl'), 1_000_000_000, 1_000_000_000)
    const analysis = analysisOf(folder)
    await analysis.refresh()
    expect(titlesIn(analysis, 's1')).toEqual(['Later'])
  })

  test('by one line that hides nothing, of a stated length', async () => {
    expect(await titleOf([custom('  one\n\ttwo \u001b[31m\u202e ')])).toBe('one two \ufffd[31m\ufffd')
    expect(await titleOf([custom('\ud83d lone')])).toBe('\ufffd lone')
    expect((await titleOf([custom('x'.repeat(1000))]))?.length).toBe(LIMITS.titleLength.value)
    expect(await titleOf([custom('  '), ai('')])).toBeUndefined()
  })

  test('by a line of such a type alone, whatever its values are', async () => {
    const odd = [
      JSON.stringify({ type: 'note', customTitle: 'No', sessionId: 's1' }),
      JSON.stringify({ type: 'ai-title', customTitle: 'No', sessionId: 's1' }),
      JSON.stringify({ type: 'constructor', aiTitle: 'No', sessionId: 's1' }),
      '["customTitle"]',
      custom(7),
      custom(null),
      custom({ a: 1 }),
      custom('No', 7),
      custom('No', 'not a session'),
      summary('No', undefined),
      summary('No', 'x'.repeat(200)),
      `{"type":"custom-title","sessionId":"s1","a":"${'x'.repeat(100_000)}","customTitle":"No"}`,
    ]
    expect(await titleOf(odd)).toBeUndefined()
    expect(await titleOf([...odd, custom('Yes')])).toBe('Yes')
  })
})

describe('titles', () => {
  test('count nothing: with them or without everything else is the same', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, { 'shop/s1.jsonl': [line({ session: 's1' })] })
    const analysis = analysisOf(folder)
    await analysis.refresh()
    const [whole, quality] = [wholeOf(analysis), analysis.corpusQuality()]
    const path = join(folder, 'projects', 'shop/s1.jsonl')
    appendFileSync(path, `${custom('Mine')}\n${ai('Its')}\n`)
    expect(await analysis.refresh()).toMatchObject({ filesRead: 1 })
    expect(titlesIn(analysis, 's1')).toEqual(['Mine'])
    expect(wholeOf(analysis)).toEqual(whole)
    const after = analysis.corpusQuality()
    expect({ ...after, unshippedBytes: 0n }).toEqual({ ...quality, unshippedBytes: 0n })
  })

  test('are followed as the agent writes, also in a last line that is not ended yet', async () => {
    const folder = makeFolder()
    const path = join(folder, 'projects', 'shop/s1.jsonl')
    writeTranscripts(folder, { 'shop/s1.jsonl': `${line({ session: 's1' })}\n${custom('Mine')}` })
    const analysis = analysisOf(folder)
    await analysis.refresh()
    expect(titlesIn(analysis, 's1')).toEqual(['Mine'])
    appendFileSync(path, `\n${custom('Mine, again')}\n{"type":"custom-title","customTitle":"half`)
    await analysis.refresh()
    expect(titlesIn(analysis, 's1')).toEqual(['Mine, again'])
    renameSync(path, join(folder, 'projects', 'shop/s1-gone.other'))
    await analysis.refresh()
    expect(titlesIn(analysis, 's1')).toEqual([undefined])
  })

  test('are kept by the index: the next start reads no transcript for them', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, {
      'shop/s1.jsonl': [line({ session: 's1', uuid: 'leaf-1' })],
      'shop/s2.jsonl': [summary('Of the first', 'leaf-1'), custom('Of the second', 's2')],
    })
    const first = analysisOf(folder, { index: true })
    await first.refresh()
    first.close()
    const second = analysisOf(folder, { index: true })
    expect(await second.refresh()).toMatchObject({ filesRead: 0 })
    expect(titlesIn(second, 's1', 's2')).toEqual(['Of the first', 'Of the second'])
  })

  test('come from transcripts that one may see, of the user and the host of the session', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, { 'shop/s1.jsonl': [custom('In the shop')], 'notes/s2.jsonl': [custom('Noted', 's2')] })
    const analysis = analysisOf(folder)
    await analysis.refresh()
    const asked = ['s1', 's2'].map((id) => ({ id, user: 'ann', host: 'laptop' }))
    expect(analysis.titles(asked, [{ projects: ['notes'] }])).toEqual([undefined, 'Noted'])
    expect(analysis.titles(asked, [{ users: ['bob'] }])).toEqual([undefined, undefined])
    const others = [
      { id: 's1', user: 'bob', host: 'laptop' },
      { id: 's1', user: 'ann', host: 'tower' },
    ]
    expect(analysis.titles(others, EVERYTHING)).toEqual([undefined, undefined])
  })
})
