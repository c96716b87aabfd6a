// "Ways in which naive code gets it wrong" (domain.md): each row of the table is a test.
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { HOURS } from '../support/bucketed.ts'
import { analysisOf, countFresh, line, makeFolder, totals, wholeOf, writeTranscripts } from '../support/transcripts.ts'

const streamed = (id: string, outputs: number[], more: Parameters<typeof line>[0] = {}) =>
  outputs.map((output, i) =>
    line({
      id,
      time: `2026-04-02T09:15:0${i}Z`,
      ...more,
      usage: { input_tokens: 10, output_tokens: output, cache_read_input_tokens: 100 },
    }),
  )

describe('a naive count is wrong where', () => {
  test('nothing is deduplicated: streamed copies are one record', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, { 'p/a.jsonl': streamed('msg_1', [1, 5, 9]) })
    expect(await countFresh(folder)).toEqual({ input: 10, output: 9, cacheCreation: 0, cacheRead: 100, records: 1 })
  })

  test('the first copy wins: the last has the final number', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, { 'p/a.jsonl': streamed('msg_1', [1, 5, 9]).toReversed() })
    expect(await countFresh(folder)).toMatchObject({ output: 9, records: 1 })
  })

  test('deduplication is per file or per session: forks and resumed sessions copy older lines', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, {
      'p/a.jsonl': streamed('msg_1', [1, 9], { session: 'a' }),
      'p/b.jsonl': streamed('msg_1', [1, 9], { session: 'b' }),
      'q/c.jsonl': streamed('msg_1', [9], { session: 'c' }),
    })
    const analysis = analysisOf(folder)
    await analysis.refresh()
    expect(wholeOf(analysis)).toMatchObject({ output: 9, records: 1 })
    expect(analysis.quality().duplicateLines).toBe(4n)
    // equal totals: the earliest moment wins, then the path
    const [answer] = analysis.answer([{ filter: {}, groupings: [], sessions: true }])
    expect(answer?.sessions).toMatchObject([{ id: 'c', project: 'q' }])
  })

  test('sidechains are dropped: a sub-agent’s own records count, its replays of the main chain do not win', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, {
      'p/s.jsonl': streamed('msg_main', [9], { session: 's', time: '2026-04-02T10:00:00Z' }),
      'p/s/subagents/agent-1.jsonl': [
        ...streamed('msg_main', [50], { sidechain: true }),
        ...streamed('msg_own', [7], { sidechain: true }),
      ],
    })
    expect(await countFresh(folder)).toMatchObject({ output: 16, records: 2 })
  })

  test('cache creation is only the split, or split plus flat', async () => {
    const folder = makeFolder()
    const split = { ephemeral_5m_input_tokens: 30, ephemeral_1h_input_tokens: 70 }
    writeTranscripts(folder, {
      'p/a.jsonl': [
        line({ id: 'msg_1', usage: { cache_creation_input_tokens: 100, cache_creation: split } }),
        line({ id: 'msg_2', usage: { cache_creation_input_tokens: 25 } }),
      ],
    })
    expect(await countFresh(folder)).toMatchObject({ cacheCreation: 125 })
  })

  test('lines without requestId are skipped', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, { 'p/a.jsonl': [line({ id: 'msg_1' }), line({ id: 'msg_2', requestId: 'req_1' })] })
    expect(await countFresh(folder)).toMatchObject({ records: 2 })
  })

  test('it looks for "usage":{ , or for nulls anywhere in a line', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, {
      'p/a.jsonl': [
        line({ id: 'msg_1' }).replace('"usage":{', '"usage" : {'),
        line({ id: 'msg_2', content: '{"usage":{"input_tokens":null}} null' }),
        line({ id: 'msg_3' }).replace('"usage"', '"us\\u0061ge"').replace('"message"', '"mess\\u0061ge"'),
      ],
    })
    expect(await countFresh(folder)).toMatchObject({ records: 3 })
  })

  test('a file over 512 MB is read as one text', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, { 'p/a.jsonl': [line({ id: 'msg_1' })] })
    const fd = openSync(join(folder, 'projects', 'p', 'a.jsonl'), 'r+')
    // a hole of 600 MB of zero bytes: one malformed line between two records
    ftruncateSync(fd, 600 * 1024 * 1024)
    writeSync(fd, `\n${line({ id: 'msg_2' })}\n`, 600 * 1024 * 1024)
    closeSync(fd)
    const analysis = analysisOf(folder, { threads: 2 })
    await analysis.refresh()
    expect(wholeOf(analysis)).toMatchObject({ records: 2 })
    expect(analysis.quality().refused).toMatchObject([{ reason: 'malformed_json', count: 1n }])
  })
})

describe('the order of files and lines', () => {
  const anyLine = fc
    .record({
      id: fc.constantFrom('msg_1', 'msg_2', 'msg_3', 'gen', null),
      requestId: fc.constantFrom(undefined, 'req_1', 'req_2'),
      uuid: fc.constantFrom('u1', 'u2'),
      session: fc.constantFrom('s1', 's2'),
      sidechain: fc.boolean(),
      time: fc.constantFrom('2026-04-02T09:15:03Z', '2026-04-02T11:15:03+02:00', '2026-04-03T00:00:00Z'),
      output: fc.integer({ min: 0, max: 3 }),
    })
    .map(({ requestId, output, ...parts }) =>
      line({
        ...parts,
        model: `model of ${parts.id}`,
        ...(requestId === undefined ? {} : { requestId }),
        usage: { output_tokens: output },
      }),
    )

  // copies that tie in all but their place have the same figures here, as real copies have
  test('changes nothing: which copy counts depends on the copies alone', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyLine, { maxLength: 30 }), fc.infiniteStream(fc.nat()), async (lines, random) => {
        const results = []
        for (let shuffle = 0; shuffle < 2; shuffle++) {
          const order = lines.map((text) => ({ text, at: random.next().value as number })).sort((a, b) => a.at - b.at)
          const folder = makeFolder()
          const files: Record<string, string[]> = { 'p/a.jsonl': [], 'p/b.jsonl': [], 'q/c.jsonl': [] }
          order.forEach(({ text }, i) => {
            files[Object.keys(files)[i % 3] as string]?.push(text)
          })
          writeTranscripts(folder, files)
          const analysis = analysisOf(folder)
          await analysis.refresh()
          const [answer] = analysis.answer([{ filter: {}, groupings: [[HOURS]] }])
          results.push({
            whole: answer?.whole.toSorted((a, b) => (a.model < b.model ? -1 : 1)),
            slots: answer?.groups['HOUR UTC']?.map(({ start, usage }) => [start, totals(usage)]).toSorted(),
            quality: analysis.quality(),
          })
        }
        expect(results[1]).toEqual(results[0])
      }),
      { numRuns: 60 },
    )
  })
})
