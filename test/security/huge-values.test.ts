import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { scanFile } from '../../src/enhanced-analysis/scanning/file-scan.ts'
import { decodeFileUpdate, type FileUpdate } from '../../src/enhanced-analysis/table/file-update.ts'
import { createLineScanner } from '../../src/transcripts/claude-code/line-scanner/line-scanner.ts'
import { createReader } from '../../src/transcripts/claude-code/reader.ts'
import { line, makeFolder } from '../support/transcripts.ts'

/** In place of 128 MB: a projection of this size is too large. */
const LIMIT = 1000
const LONG = 'x'.repeat(3000)
/** Longer than what is read at a time. */
const LONGER = 'y'.repeat(3 << 20)

function scan(lines: readonly string[], limit?: number): FileUpdate['header'] {
  const path = join(makeFolder(), 'a.jsonl')
  writeFileSync(path, lines.join('\n'))
  const { dev, ino } = statSync(path, { bigint: true })
  const updates: FileUpdate[] = []
  const job = { key: `${dev}:${ino}`, path, root: '/', relativePath: 'p/a.jsonl', from: 0 }
  const outcome = scanFile(job, createReader(createLineScanner(limit)), {
    update: (encoded) => void updates.push(decodeFileUpdate(encoded)),
    progress() {},
  })
  expect(outcome).toBe('counted')
  expect(updates).toHaveLength(1)
  return (updates[0] as FileUpdate).header
}

const usage = { input_tokens: 1, output_tokens: 1 }
const record = (more: object, inMessage: object = {}): string =>
  JSON.stringify({
    sessionId: 's',
    timestamp: '2026-04-02T09:15:03Z',
    ...more,
    message: { id: 'msg_9', usage, ...inMessage },
  })

const REFUSED: [string, (long: string) => string][] = [
  ['a model', (long) => line({ id: 'msg_9', model: long })],
  ['a message id', (long) => line({ id: long })],
  ['a session before the usage', (long) => line({ id: 'msg_9', session: long })],
  ['a uuid after the usage', (long) => record({}).replace(/\}$/, `,"uuid":${JSON.stringify(long)}}`)],
  ['a count that is no number', (long) => line({ id: 'msg_9', usage: { input_tokens: long } })],
  [
    'a count of many digits',
    (long) => line({ id: 'msg_9' }).replace('"input_tokens":1', `"input_tokens":${'1'.repeat(long.length)}`),
  ],
  ['iterations', (long) => line({ id: 'msg_9', usage: { iterations: [{ type: long }, { type: [long, { long }] }] } })],
  [
    'a value of a key with an escape',
    (long) => record({}).replace('{', `{"\\u0061":[${JSON.stringify(long)},"more",{"b":2}],`),
  ],
  [
    'many small ones',
    (long) => `{${`"uuid":"${'u'.repeat(90)}",`.repeat(Math.ceil(long.length / 90))}${record({}).slice(1)}`,
  ],
]

describe.each([
  ['longer than the limit', LONG],
  ['longer than what is read at a time', LONGER],
])('a value that counts and is %s', (_how, long) => {
  test.each(REFUSED)('refuses its line alone: %s', (_what, odd) => {
    const header = scan(
      [line({ id: 'msg_1' }), odd(long), line({ id: 'msg_2' }), odd(long), line({ id: 'msg_3' }), ''],
      LIMIT,
    )
    expect(header.copies).toBe(3)
    const first = line({ id: 'msg_1' }).length + 1
    const second = first + odd(long).length + 1 + line({ id: 'msg_2' }).length + 1
    expect(header.refused).toEqual({ malformed_json: { count: 2, offsets: [first, second] } })
  })
})

describe('a value that does not count', () => {
  test.each<[string, string]>([
    ['content', line({ id: 'msg_9', content: LONGER })],
    ['a member of the envelope', record({ toolUseResult: { stdout: LONGER } })],
    ['a member of the message', record({}, { stop_sequence: LONGER })],
    ['a key', record({ [LONGER]: 1 })],
    ['a key inside of the usage', line({ id: 'msg_9', usage: { [LONGER]: 1 } })],
  ])('may be of any size: %s', (what, odd) => {
    const header = scan([line({ id: 'msg_1' }), odd, ''], LIMIT)
    // a key must be held until it is read
    if (what.startsWith('a key')) expect([header.copies, header.refused.malformed_json?.count]).toEqual([1, 1])
    else expect([header.copies, header.refused]).toEqual([2, {}])
  })

  test('in a line without usage is of no interest', () => {
    const header = scan(
      [JSON.stringify({ type: 'user', sessionId: LONGER, uuid: LONG }), line({ id: 'msg_1' }), ''],
      LIMIT,
    )
    expect([header.copies, header.refused]).toEqual([1, {}])
  })
})

test('a last line without a line feed is refused in the same way, and read again when it goes on', () => {
  const header = scan([line({ id: 'msg_1' }), line({ id: 'msg_9', model: LONGER })], LIMIT)
  expect([header.copies, header.refused]).toEqual([1, {}])
  expect(header.tail.refused).toMatchObject({ malformed_json: { count: 1 } })
})

test('lines below the limit say the same with it and without it', () => {
  const texts = fc.string({ unit: 'grapheme', maxLength: 40 })
  fc.assert(
    fc.property(
      fc.array(fc.record({ model: texts, session: texts, id: texts, content: texts }), { maxLength: 20 }),
      (parts) => {
        const lines = [...parts.map((part) => line(part)), '']
        expect(scan(lines, 10_000)).toMatchObject({ copies: scan(lines).copies, refused: scan(lines).refused })
      },
    ),
    { numRuns: 30 },
  )
})
