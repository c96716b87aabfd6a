import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compileLineScanner } from '../../../../src/transcripts/claude-code/line-scanner/line-scanner.ts'
import { chunkSize, type Found, keep, scan, scanner } from '../../../support/line-scanning.ts'

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** What the counting rules look at, of a line or of its projection. */
function relevant(line: unknown): unknown {
  if (!isObject(line)) return undefined
  const message = (value: unknown) =>
    isObject(value) ? { id: value.id, model: value.model, usage: usage(value.usage) } : undefined
  const usage = (value: unknown) => {
    if (!isObject(value)) return value === undefined ? undefined : 'no object'
    const { input_tokens, output_tokens, cache_creation_input_tokens, cache_read_input_tokens, iterations } = value
    const { cache_creation: split } = value
    const cache_creation = isObject(split)
      ? { short: split.ephemeral_5m_input_tokens, long: split.ephemeral_1h_input_tokens }
      : split
    return {
      input_tokens,
      output_tokens,
      cache_creation_input_tokens,
      cache_read_input_tokens,
      iterations,
      cache_creation,
    }
  }
  const { sessionId, uuid, timestamp, requestId, isSidechain, gitBranch } = line
  const inner = isObject(line.data) && isObject(line.data.message) ? line.data.message : undefined
  return {
    own: { sessionId, uuid, timestamp, requestId, isSidechain, gitBranch, message: message(line.message) },
    progress: inner && {
      uuid: inner.uuid,
      timestamp: inner.timestamp,
      requestId: inner.requestId,
      message: message(inner.message),
    },
  }
}

function hasUsage(line: unknown): boolean {
  if (!isObject(line)) return false
  const inner = isObject(line.data) && isObject(line.data.message) ? line.data.message.message : undefined
  return [line.message, inner].some((message) => isObject(message) && message.usage !== undefined)
}

/** A line with an escape in a key of its root is handed over as one that may have usage. */
const mayBeTitle = (parsed: unknown): boolean =>
  isObject(parsed) && ['summary', 'aiTitle', 'customTitle'].some((name) => Object.hasOwn(parsed, name))

/** Compares with JSON.parse, line by line. */
function expectLikeJsonParse(rawLines: readonly Buffer[], chunk: number): void {
  const bytes = Buffer.concat(rawLines.flatMap((line) => [line, Buffer.from('\n')]))
  const found = new Map(scan(bytes, chunk).lines.map((line) => [line.offset, line]))
  let offset = 0
  for (const raw of rawLines) {
    const text = raw.toString('utf8')
    const line = found.get(offset)
    offset += raw.length + 1
    if (/^[ \t\r]*$/.test(text)) {
      expect(line).toBeUndefined()
      continue
    }
    let parsed: unknown
    try {
      parsed = JSON.parse(text)
    } catch {
      expect(line, text).toHaveProperty('malformed', true)
      continue
    }
    if (line === undefined || 'title' in line) {
      expect(hasUsage(parsed), text).toBe(false)
      expect(line !== undefined, text).toBe(mayBeTitle(parsed))
    } else {
      expect(line, text).toHaveProperty('projection')
      if (hasUsage(parsed)) expect(relevant((line as { projection: unknown }).projection)).toEqual(relevant(parsed))
    }
  }
}

const key = fc.constantFrom(
  'message',
  'data',
  'usage',
  'id',
  'model',
  'uuid',
  'timestamp',
  'sessionId',
  'requestId',
  'isSidechain',
  'gitBranch',
  'content',
  'messag',
  'messages',
  'summary',
  'aiTitle',
  'customTitle',
  'customTitlf',
  'us\\u0061ge',
  'mess\\u0061ge',
  'a\\nb',
  '',
  'usage\\"',
  'input_tokens',
)
const space = fc.constantFrom('', '', '', ' ', '\t', '\r', '  ')
const scalar = fc.oneof(
  fc.constantFrom('0', '-0', '12', '1.5', '1e5', '-2E-3', '100.0', '1e400', 'true', 'false', 'null', '""', '{}', '[]'),
  fc
    .array(
      fc.constantFrom('a', 'é', '\\n', '\\"', '\\u00e9', '\\ud83d', '\\\\', '/', '𝒳', 'usage', '{', ']', '\u2028'),
      { maxLength: 60 },
    )
    .map((parts) => `"${parts.join('')}"`),
)
const json = fc.letrec<{ value: string; object: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    fc
      .array(
        fc.tuple(space, tie('value'), space).map((parts) => parts.join('')),
        { maxLength: 4 },
      )
      .map((list) => `[${list.join(',')}]`),
    tie('object'),
  ),
  object: fc
    .array(fc.tuple(space, key, space, tie('value'), space), { maxLength: 7 })
    .map((members) => `{${members.map(([a, k, b, v, c]) => `${a}"${k}"${b}:${v}${c}`).join(',')}}`),
}))
const validLine = fc
  .oneof({ weight: 5, arbitrary: json.object }, { weight: 1, arbitrary: json.value })
  .map((text) => Buffer.from(text))
const damagedLine = fc
  .tuple(
    validLine,
    fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 3 }),
    fc.option(fc.nat()),
  )
  .map(([line, edits, cut]) => {
    const bytes = Buffer.from(line)
    for (const [at, byte] of edits) if (bytes.length > 0) bytes[at % bytes.length] = byte === 10 ? 32 : byte
    return cut === null || bytes.length === 0 ? bytes : bytes.subarray(0, cut % bytes.length)
  })

describe('the line scanner', () => {
  test('says of every line what JSON.parse says, and keeps all that counts, at any chunk size', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(validLine, damagedLine), { minLength: 1, maxLength: 8 }),
        chunkSize,
        expectLikeJsonParse,
      ),
      { numRuns: 2000 },
    )
  })

  test.each([
    '{"a":01}',
    '{"a":1.}',
    '{"a":.5}',
    '{"a":+1}',
    '{"a":1e}',
    '{"a":-}',
    '{"a":tru}',
    '{"a":nulll}',
    '{"a" 1}',
    '{"a":1,}',
    '{,}',
    '[1,]',
    '[1 2]',
    '{"a":"\\x"}',
    '{"a":"\\u12g4"}',
    '{"a":"\t"}',
    '{"a":1}}',
    '{"a":1]',
    '{a:1}',
    "{'a':1}",
    '{"a":1} x',
    '\f',
    '\uFEFF{}',
    '"',
    '{"message":{"usage":{}',
    'NaN',
    '-',
    '1 2',
  ])('takes %j for no JSON', (text) => {
    expectLikeJsonParse([Buffer.from(text)], 1 << 20)
    expect(scan(Buffer.from(`${text}\n`)).lines).toEqual([{ offset: 0, malformed: true }])
  })

  test('of a key that stands twice, the last counts, as in JSON.parse', () => {
    for (const text of [
      '{"message":{"usage":{"input_tokens":1}},"message":null}',
      '{"message":5,"message":{"usage":{"input_tokens":1},"usage":{"input_tokens":2}}}',
      '{"mess\\u0061ge":{"usage":{"input_tokens":3}},"message":{"usage":{"input_tokens":1}}}',
    ])
      expectLikeJsonParse([Buffer.from(text)], 5)
  })

  test('replaces invalid UTF-8 and goes on', () => {
    const bytes = Buffer.concat([
      Buffer.from('{"uuid":"'),
      Buffer.from([0xff, 0xc3]),
      Buffer.from('","message":{"usage":{}}}\n'),
    ])
    const [line] = scan(bytes).lines
    expect(line).toEqual({ offset: 0, projection: { uuid: '\uFFFD\uFFFD', message: { usage: {} } } })
  })

  test('leaves out what cannot matter', () => {
    const [line] = scan(
      Buffer.from(`{"message":{"content":"${'x'.repeat(1000)}","usage":{}},"toolUseResult":{"usage":{}}}\n`),
    ).lines
    expect(line).toEqual({ offset: 0, projection: { message: { usage: {} } } })
    expect(scan(Buffer.from('{"toolUseResult":{"usage":{}},"usage":{},"content":"\\"usage\\":{}"}\n')).lines).toEqual(
      [],
    )
  })

  test('tells what stands behind the last line feed', () => {
    expect(scan(Buffer.from('')).last).toBe('none')
    expect(scan(Buffer.from('{}\n  ')).last).toBe('none')
    expect(scan(Buffer.from('{}\n{"a":1')).last).toBe('unfinished')
    expect(scan(Buffer.from('{}\nnot json')).last).toBe('unfinished')
    expect(scan(Buffer.from('{"message":{"usage":{}}}'))).toEqual({
      last: 'complete',
      lines: [{ offset: 0, projection: { message: { usage: {} } } }],
    })
  })

  test('reads a line of 100 MB, with usage behind its content, without holding it', () => {
    const piece = Buffer.alloc(1 << 20, '\\"usage\\":{} ')
    const lines: Found[] = []
    const push = (bytes: Buffer) => {
      scanner.input().set(bytes)
      scanner.push(bytes.length, (line) => void lines.push(keep(line)))
    }
    scanner.begin(0)
    push(Buffer.from('{"message":{"content":"'))
    // whole pieces of twelve bytes, so that no escape is cut
    for (let n = 0; n < 100; n++) push(piece.subarray(0, Math.floor(piece.length / 12) * 12))
    push(Buffer.from('","usage":{"input_tokens":7}}}\n'))
    expect(lines).toEqual([{ offset: 0, projection: { message: { usage: { input_tokens: 7 } } } }])
  })

  test('reads deep nesting and many tiny lines', () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    expect(scan(Buffer.from(`${deep}\n`)).lines).toEqual([])
    expect(scan(Buffer.from(`${deep}]\n`)).lines).toHaveLength(1)
    expect(scan(Buffer.from('x\n'.repeat(300_000))).lines).toHaveLength(300_000)
  })
})

describe('the program of the line scanner', () => {
  test('is compiled once, for a thread and all that it starts', async () => {
    const module = compileLineScanner()
    expect(compileLineScanner()).toBe(module)
    const worker = new Worker(
      `const { getEnvironmentData, parentPort } = require('node:worker_threads')
       parentPort.postMessage(getEnvironmentData('token-bridge line scanner') instanceof WebAssembly.Module)`,
      { eval: true },
    )
    expect((await once(worker, 'message'))[0]).toBe(true)
    await worker.terminate()
  })
})
