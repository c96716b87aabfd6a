import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { recount } from '../../../scripts/recount.ts'
import { damage, misshape, runs } from '../../support/mutations.ts'
import { analysisOf, line, makeFolder, wholeOf, writeTranscripts } from '../../support/transcripts.ts'

const usage = {
  input_tokens: 3,
  cache_creation_input_tokens: 5,
  cache_read_input_tokens: 7,
  cache_creation: { ephemeral_5m_input_tokens: 2, ephemeral_1h_input_tokens: 3 },
  iterations: [{ type: 'advisor_message', input_tokens: 1, output_tokens: 2 }],
}
const LINES = [
  line({ id: 'msg_1', usage, branch: 'main' }),
  line({ id: null, uuid: 'u1', usage: { output_tokens: 11 } }),
  line({ id: 'short', requestId: 'r', sidechain: true }),
  line({ id: null, session: null }),
  line({ id: 'msg_2', time: '2026-12-31T23:59:60.5+02:00' }),
  JSON.stringify({ sessionId: 's', data: { message: JSON.parse(line({ id: 'msg_3', uuid: 'u2' })) } }),
]
const BYTES = Buffer.from(LINES.map((one) => `${one}\n`).join(''))
const changed = fc.oneof(
  damage.map((harm) => harm(BYTES)),
  fc.tuple(fc.nat(LINES.length - 1), misshape).map(([at, change]) => {
    const text = JSON.stringify(change(JSON.parse(LINES[at] as string))) ?? ''
    return Buffer.from(LINES.with(at, text).join('\n'))
  }),
)

test('a transcript of any bytes is counted as a second count, which shares no code with the first, counts it', async () => {
  await fc.assert(
    fc.asyncProperty(changed, async (bytes) => {
      const folder = makeFolder()
      writeTranscripts(folder, { 'p/a.jsonl': bytes, 'p/b.jsonl': BYTES })
      const analysis = analysisOf(folder)
      const { unreadable } = await analysis.refresh()
      expect(unreadable).toEqual([])
      const { input, output, cacheCreation, cacheRead, records } = wholeOf(analysis)
      const { tokens, recordCount } = await recount(folder)
      expect({ input, output, cacheCreation, cacheRead, records }).toEqual({
        input: Number(tokens.input),
        output: Number(tokens.output),
        cacheCreation: Number(tokens.cacheCreation),
        cacheRead: Number(tokens.cacheRead),
        records: Number(recordCount),
      })
      analysis.close()
      rmSync(folder, { recursive: true })
    }),
    runs(150),
  )
})

test('an index of any bytes changes no figure: what it cannot be believed in is counted anew', async () => {
  const folder = makeFolder()
  writeTranscripts(folder, { 'p/a.jsonl': BYTES, 'p/b.jsonl': [line({ id: 'msg_9' }), 'no JSON'] })
  const first = analysisOf(folder, { index: true })
  await first.refresh()
  const expected = wholeOf(first)
  first.close()
  const index = join(folder, 'data', 'index')
  const path = join(index, readdirSync(index).find((name) => name.endsWith('.idx')) as string)
  const bytes = readFileSync(path)
  const states = new Set<string>()
  await fc.assert(
    fc.asyncProperty(damage, async (harm) => {
      mkdirSync(index, { recursive: true })
      writeFileSync(path, harm(bytes))
      const analysis = analysisOf(folder, { index: true })
      await analysis.refresh()
      expect(wholeOf(analysis)).toEqual(expected)
      analysis.close()
      expect(existsSync(path)).toBe(true)
      // what was mended is believed by the next start
      const again = analysisOf(folder, { index: true })
      states.add(String((await again.refresh()).filesRead))
      expect(wholeOf(again)).toEqual(expected)
      again.close()
    }),
    runs(60),
  )
  expect([...states]).toEqual(['0'])
})
