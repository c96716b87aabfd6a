import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { layoutOf } from '../../src/enhanced-analysis/index/index-file.ts'
import { NUMBER_COLUMNS } from '../../src/enhanced-analysis/table/file-update.ts'
import { freshPicture, picture } from '../support/picture.ts'
import { analysisOf, countFresh, line, makeFolder, wholeOf, writeTranscripts } from '../support/transcripts.ts'

const at = (folder: string, name: string) => join(folder, 'projects', name)
const full = (id: string, output = 1) => `${line({ id, usage: { output_tokens: output } })}\n`

describe('the incremental index', () => {
  test('after a restart reads only what is new', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, { 'p/a.jsonl': [line({ id: 'msg_1' })], 'p/b.jsonl': [line({ id: 'msg_2' })] })
    const first = analysisOf(folder, { index: true })
    expect(await first.refresh()).toMatchObject({ filesRead: 2 })
    first.close()
    const again = analysisOf(folder, { index: true })
    expect(again.indexState()).toBe('loaded')
    expect(await again.refresh()).toMatchObject({ filesRead: 0, bytesRead: 0, changed: false })
    expect(wholeOf(again)).toMatchObject({ records: 2 })
    const more = full('msg_3')
    appendFileSync(at(folder, 'p/b.jsonl'), more)
    expect(await again.refresh()).toMatchObject({ filesRead: 1, bytesRead: more.length })
    expect(wholeOf(again)).toMatchObject({ records: 3 })
    again.close()
    const third = analysisOf(folder, { index: true })
    expect(await third.refresh()).toMatchObject({ bytesRead: 0 })
    expect(picture(third)).toEqual(await freshPicture(folder))
  })

  test('counts a later copy of a record in a file that grew', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, { 'p/a.jsonl': full('msg_1', 3) })
    const analysis = analysisOf(folder)
    await analysis.refresh()
    appendFileSync(at(folder, 'p/a.jsonl'), full('msg_1', 9) + full('msg_1', 2))
    await analysis.refresh()
    expect(wholeOf(analysis)).toMatchObject({ output: 9, records: 1 })
    expect(analysis.quality().duplicateLines).toBe(2n)
  })

  test('takes a half-written last line as pending, and a whole one without a line feed as counted', async () => {
    const folder = makeFolder()
    const [head, tail] = [full('msg_2').slice(0, 40), full('msg_2').slice(40)]
    writeTranscripts(folder, { 'p/a.jsonl': full('msg_1') + head })
    const analysis = analysisOf(folder, { index: true })
    await analysis.refresh()
    expect(wholeOf(analysis)).toMatchObject({ records: 1 })
    expect(analysis.quality().refused).toEqual([])
    appendFileSync(at(folder, 'p/a.jsonl'), tail.trimEnd())
    await analysis.refresh()
    expect(wholeOf(analysis)).toMatchObject({ records: 2 })
    appendFileSync(at(folder, 'p/a.jsonl'), `\n${full('msg_3')}`)
    await analysis.refresh()
    expect(wholeOf(analysis)).toMatchObject({ records: 3 })
    expect(analysis.quality()).toMatchObject({ duplicateLines: 0n, refused: [] })
    analysis.close()
    expect(picture(analysisOf(folder, { index: true }))).toEqual(await freshPicture(folder))
  })

  test('a last line that counted and then grew into something else counts no more', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, { 'p/a.jsonl': full('msg_1') + full('msg_2').trimEnd() })
    const analysis = analysisOf(folder)
    await analysis.refresh()
    expect(wholeOf(analysis)).toMatchObject({ records: 2 })
    appendFileSync(at(folder, 'p/a.jsonl'), '{}\n')
    await analysis.refresh()
    expect(wholeOf(analysis)).toMatchObject({ records: 1 })
    expect(analysis.quality().refused).toMatchObject([{ reason: 'malformed_json', count: 1n }])
  })

  test('a truncated file, one replaced in place, and one replaced by another are read anew', async () => {
    const folder = makeFolder()
    const a = at(folder, 'p/a.jsonl')
    writeTranscripts(folder, { 'p/a.jsonl': full('msg_1') + full('msg_2') })
    const analysis = analysisOf(folder, { index: true })
    await analysis.refresh()
    truncateSync(a, full('msg_1').length)
    await analysis.refresh()
    expect(wholeOf(analysis)).toMatchObject({ records: 1 })
    writeFileSync(a, full('msg_5', 5) + full('msg_6', 6) + full('msg_7', 7))
    await analysis.refresh()
    expect(wholeOf(analysis)).toMatchObject({ output: 18, records: 3 })
    writeFileSync(`${a}.tmp`, full('msg_8', 8) + full('msg_9', 9) + full('msg_1') + full('msg_2'))
    renameSync(`${a}.tmp`, a)
    await analysis.refresh()
    expect(picture(analysis)).toEqual(await freshPicture(folder))
    expect(wholeOf(analysis)).toMatchObject({ output: 19, records: 4 })
  })

  test('a file of the same size written anew is noticed by its time', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, { 'p/a.jsonl': full('msg_1', 3) })
    utimesSync(at(folder, 'p/a.jsonl'), 1, 1)
    const analysis = analysisOf(folder)
    await analysis.refresh()
    writeFileSync(at(folder, 'p/a.jsonl'), full('msg_1', 4))
    await analysis.refresh()
    expect(wholeOf(analysis)).toMatchObject({ output: 4 })
  })

  test('a renamed file is the same log: its project changes and nothing is read', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, { 'p/a.jsonl': full('msg_1'), 'q/b.jsonl': full('msg_1') })
    const analysis = analysisOf(folder, { index: true })
    await analysis.refresh()
    // the copy in p has the smaller path; moved behind q it loses
    mkdirSync(at(folder, 'r'))
    renameSync(at(folder, 'p/a.jsonl'), at(folder, 'r/a.jsonl'))
    expect(await analysis.refresh()).toMatchObject({ bytesRead: 0, filesForgotten: 0 })
    expect(analysis.answer([{ filter: {}, groupings: [['project']] }])[0]?.groups.project).toMatchObject([
      { values: ['q'] },
    ])
    analysis.close()
    const again = analysisOf(folder, { index: true })
    await again.refresh()
    expect(picture(again)).toEqual(await freshPicture(folder))
  })

  test('a file whose session comes from its name is read anew when it is renamed', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, {
      'p/a.jsonl': [line({ session: null })],
      'p/c.jsonl': [line({ id: 'msg_c', session: 'c' })],
    })
    const analysis = analysisOf(folder)
    await analysis.refresh()
    renameSync(at(folder, 'p/a.jsonl'), at(folder, 'p/b.jsonl'))
    mkdirSync(at(folder, 'p/parent/subagents'), { recursive: true })
    renameSync(at(folder, 'p/c.jsonl'), at(folder, 'p/parent/subagents/c.jsonl'))
    await analysis.refresh()
    expect(picture(analysis)).toEqual(await freshPicture(folder))
    const sessions = analysis.answer([{ filter: {}, groupings: [], sessions: true }])[0]?.sessions?.map(({ id }) => id)
    expect(sessions?.sort()).toEqual(['b', 'parent'])
  })

  test('a vanished file is uncounted, except what another file has a copy of', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, { 'p/a.jsonl': full('msg_1', 9) + full('msg_2'), 'p/b.jsonl': full('msg_1', 4) })
    const analysis = analysisOf(folder, { index: true })
    await analysis.refresh()
    expect(wholeOf(analysis)).toMatchObject({ output: 10, records: 2 })
    rmSync(at(folder, 'p/a.jsonl'))
    expect(await analysis.refresh()).toMatchObject({ filesForgotten: 1 })
    expect(wholeOf(analysis)).toMatchObject({ output: 4, records: 1 })
    expect(analysis.quality().duplicateLines).toBe(0n)
    analysis.close()
    expect(wholeOf(analysisOf(folder, { index: true }))).toMatchObject({ output: 4, records: 1 })
  })

  test('is rebuilt, not believed, when it is damaged anywhere, of another version, or no index at all', async () => {
    const folder = makeFolder()
    const index = join(folder, 'data', 'index', 'transcripts.idx')
    writeTranscripts(folder, { 'p/a.jsonl': full('msg_1') + full('msg_2'), 'p/b.jsonl': full('msg_3') })
    const expected = await countFresh(folder)
    const analysis = analysisOf(folder, { index: true })
    await analysis.refresh()
    analysis.close()
    const good = readFileSync(index)
    const damages: [string, Buffer][] = [
      ['rebuilt', Buffer.from('this is no index, but it is long enough to have a header')],
      ['rebuilt', Buffer.concat([good.subarray(0, 4), Buffer.from([99]), good.subarray(5)])],
      ['fresh', Buffer.alloc(0)],
      ['cut', good.subarray(0, 10)],
      ['cut', good.subarray(0, good.length - 5)],
      ['cut', Buffer.concat([good, Buffer.from('torn')])],
    ]
    for (let byte = 16; byte < good.length; byte += 97) {
      const flipped = Buffer.from(good)
      flipped[byte] = (flipped[byte] as number) ^ 0x10
      damages.push(['any', flipped])
    }
    for (const [state, bytes] of damages) {
      writeFileSync(index, bytes)
      const again = analysisOf(folder, { index: true })
      if (state !== 'any') expect(again.indexState()).toBe(state)
      else expect(['rebuilt', 'cut']).toContain(again.indexState())
      await again.refresh()
      expect(wholeOf(again)).toEqual(expected)
      again.close()
    }
    const last = analysisOf(folder, { index: true })
    expect(last.indexState()).toBe('loaded')
    expect(await last.refresh()).toMatchObject({ bytesRead: 0 })
  })

  test('says which columns its records have: with another field of a record it is another index', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, { 'p/a.jsonl': full('msg_1') })
    const analysis = analysisOf(folder, { index: true })
    await analysis.refresh()
    analysis.close()
    const layout = readFileSync(join(folder, 'data', 'index', 'transcripts.idx')).readUInt32LE(4)
    expect(layout).toBe(layoutOf(NUMBER_COLUMNS))
    expect(layoutOf([...NUMBER_COLUMNS, 'agent'])).not.toBe(layout)
    expect(layoutOf(NUMBER_COLUMNS.toReversed())).not.toBe(layout)
  })

  test('is written anew when most of it is superseded, with the same content', async () => {
    const folder = makeFolder()
    const index = join(folder, 'data', 'index', 'transcripts.idx')
    const many = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, i) =>
        line({
          id: `msg_${from + i}`,
          session: `s${i % 7}`,
          sidechain: i % 5 === 0,
          usage: { cache_read_input_tokens: 1e12 - i },
        }),
      )
    // a whole file, one whose last line has no line feed, and one that is refused in part
    writeTranscripts(folder, { 'p/b.jsonl': `${many(0, 50).join('\n')}`, 'q/c.jsonl': [...many(50, 60), 'broken'] })
    const analysis = analysisOf(folder, { index: true })
    let largest = 0
    for (let round = 0; round < 12; round++) {
      writeTranscripts(folder, { 'p/a.jsonl': many(round * 10, 9000 + round * 10) })
      utimesSync(at(folder, 'p/a.jsonl'), round + 1, round + 1)
      await analysis.refresh()
      largest = Math.max(largest, statSync(index).size)
    }
    expect(statSync(index).size).toBeLessThan(largest)
    expect(picture(analysis)).toEqual(await freshPicture(folder))
    analysis.close()
    const again = analysisOf(folder, { index: true })
    expect(again.indexState()).toBe('loaded')
    expect(await again.refresh()).toMatchObject({ bytesRead: 0 })
    expect(picture(again)).toEqual(await freshPicture(folder))
    expect(again.corpusQuality()).toMatchObject({ refused: [{ reason: 'malformed_json', count: 1n }] })
    expect(again.records()).toBe(wholeOf(again).records)
  })

  test('that cannot be written any more costs speed alone, now and at the next start', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, { 'p/a.jsonl': full('msg_1') })
    const analysis = analysisOf(folder, { index: true })
    await analysis.refresh()
    // from here on each write fails, as on a full disk
    analysis.close()
    appendFileSync(at(folder, 'p/a.jsonl'), full('msg_2'))
    await analysis.refresh()
    rmSync(at(folder, 'p/a.jsonl'))
    writeTranscripts(folder, { 'p/b.jsonl': full('msg_3', 7) + full('msg_4') })
    await analysis.refresh()
    expect(analysis.indexState()).toBe('broken')
    expect(picture(analysis)).toEqual(await freshPicture(folder))
    const again = analysisOf(folder, { index: true })
    await again.refresh()
    expect(picture(again)).toEqual(await freshPicture(folder))
  })

  test('that another process writes is read and left alone', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, { 'p/a.jsonl': full('msg_1') })
    const writer = analysisOf(folder, { index: true })
    await writer.refresh()
    const reader = analysisOf(folder, { index: true })
    expect(reader.indexState()).toBe('locked')
    appendFileSync(at(folder, 'p/a.jsonl'), full('msg_2'))
    expect(await reader.refresh()).toMatchObject({ bytesRead: full('msg_2').length })
    expect(wholeOf(reader)).toMatchObject({ records: 2 })
    reader.close()
    await writer.refresh()
    expect(wholeOf(writer)).toMatchObject({ records: 2 })
  })

  test('is not kept from being written by a lock that the release before left behind, even with our own number', async () => {
    const folder = makeFolder()
    const index = join(folder, 'data', 'index', 'transcripts.idx')
    mkdirSync(dirname(index), { recursive: true })
    // that release wrote its number into a file, and a container's is 1 each time
    writeFileSync(`${index}.lock`, String(process.pid))
    writeTranscripts(folder, { 'p/a.jsonl': full('msg_1') })
    const analysis = analysisOf(folder, { index: true })
    expect(analysis.indexState()).toBe('fresh')
    analysis.close()
  })
})
