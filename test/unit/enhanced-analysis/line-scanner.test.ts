import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type CountingSink, countLine, countUsual, type LineContext } from '../../../src/enhanced-analysis/counting.ts'
import {
  createLineScanner,
  type LastLine,
  type ScannedLine,
} from '../../../src/enhanced-analysis/line-scanner/line-scanner.ts'
import { nameLog } from '../../../src/enhanced-analysis/log-naming.ts'
import { line as agentsLine } from '../../support/transcripts.ts'

const scanner = createLineScanner()

type Found = { offset: number; malformed: true } | { offset: number; projection: unknown }

/** What is kept of a line after it was handed out. */
const keep = (line: ScannedLine): Found =>
  line.kind === 'malformed'
    ? { offset: line.offset, malformed: true }
    : { offset: line.offset, projection: line.projection() }

/** Scans bytes that arrive in chunks of the given size. */
function scan(bytes: Buffer, chunk = 1 << 20): { lines: Found[]; last: LastLine } {
  const lines: Found[] = []
  const last = scanEach(bytes, chunk, (line) => void lines.push(keep(line)))
  return { last, lines }
}

function scanEach(bytes: Buffer, chunk: number, onLine: (line: ScannedLine) => void): LastLine {
  scanner.begin(0)
  for (let at = 0; at < bytes.length; at += chunk) {
    const piece = bytes.subarray(at, at + chunk)
    scanner.input().set(piece)
    scanner.push(piece.length, onLine)
  }
  return scanner.finish(onLine)
}

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
  const { sessionId, uuid, timestamp, requestId, isSidechain } = line
  const inner = isObject(line.data) && isObject(line.data.message) ? line.data.message : undefined
  return {
    own: { sessionId, uuid, timestamp, requestId, isSidechain, message: message(line.message) },
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
    if (line === undefined) expect(hasUsage(parsed), text).toBe(false)
    else {
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
  'content',
  'messag',
  'messages',
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
const chunkSize = fc.constantFrom(1, 2, 3, 7, 16, 17, 64, 1 << 20)

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

/** Lines as agents write them, and as nobody does: each member may be there, be odd, or stand twice. */
const odd = fc.constantFrom(
  'null',
  '""',
  '0',
  '-1',
  '1.5',
  '100.0',
  '1e2',
  '"7"',
  'true',
  '{}',
  '[]',
  '[1]',
  '1000000000001',
  '9007199254740993',
  '-0',
  '007',
)
const orOdd = (usual: fc.Arbitrary<string>) => fc.oneof({ weight: 50, arbitrary: usual }, { weight: 1, arbitrary: odd })
const members = (list: fc.Arbitrary<[string, string]>[]) =>
  fc
    .tuple(
      ...list.map((member) =>
        fc.oneof(
          { weight: 60, arbitrary: member.map((m) => [m]) },
          { weight: 1, arbitrary: fc.constant([]) },
          { weight: 1, arbitrary: member.map((m) => [m, m]) },
        ),
      ),
      fc.nat({ max: 5 }),
    )
    .map((parts) => {
      const turn = parts.at(-1) as number
      const flat = (parts.slice(0, -1) as [string, string][][]).flat()
      const turned = [...flat.slice(turn), ...flat.slice(0, turn)]
      return `{${turned.map(([k, v]) => `"${k}":${v}`).join(',')}}`
    })
const member = (name: string, value: fc.Arbitrary<string>) =>
  fc.tuple(
    fc.oneof(
      { weight: 100, arbitrary: fc.constant(name) },
      { weight: 1, arbitrary: fc.constant(name.replace(/^./, (c) => `\\u00${c.charCodeAt(0).toString(16)}`)) },
    ),
    value,
  )
const count = orOdd(fc.integer({ min: 0, max: 1e12 }).map(String))
const text = (...list: string[]) => orOdd(fc.constantFrom(...list).map((t) => `"${t}"`))
const split = members([member('ephemeral_5m_input_tokens', count), member('ephemeral_1h_input_tokens', count)])
const usageValue = members([
  member('input_tokens', count),
  member('output_tokens', count),
  member('cache_creation_input_tokens', count),
  member('cache_read_input_tokens', count),
  member('cache_creation', orOdd(split)),
  member('service_tier', fc.constant('"standard"')),
  member(
    'iterations',
    fc.constantFrom(
      '[]',
      '[]',
      '[]',
      '[]',
      '[]',
      '[{"type":"advisor_message","input_tokens":1,"output_tokens":2}]',
      'null',
    ),
  ),
])
const messageValue = members([
  member('id', text('msg_1', 'gen', 'msg_gr\u00fc\u00df', 'a\\u0041b', 'x'.repeat(1200))),
  member('model', text('claude', 'gr\u00fc')),
  member('content', fc.constant('[{"text":"usage"}]')),
  member('usage', orOdd(usageValue)),
])
const timeText = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: 0, max: Date.UTC(2262, 0, 1) - 1 }).map((t) => new Date(t).toISOString()) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '2026-02-30T00:00:00.000Z',
      '2026-04-02T09:15:03Z',
      '2026-04-02',
      '2026-13-02T09:15:03.000Z',
      '1969-12-31T23:59:59.999Z',
      '2026-04-02T24:15:03.000Z',
      '2026-04-02T09:1x:03.000Z',
    ),
  },
)
const agentLine = members([
  member('sessionId', text('session-1', 'a b', 'gr\u00fc')),
  member('uuid', text('uuid-1')),
  member('timestamp', orOdd(timeText.map((t) => `"${t}"`))),
  member('requestId', text('req_1')),
  member('isSidechain', fc.constantFrom('true', 'false', 'null', '"true"')),
  member('message', orOdd(messageValue)),
  member(
    'data',
    fc.oneof(
      { weight: 9, arbitrary: fc.constant('{}') },
      {
        weight: 1,
        arbitrary: messageValue.map((m) => `{"message":{"message":${m},"timestamp":"2026-04-02T09:15:03.120Z"}}`),
      },
    ),
  ),
])

describe('a usual line', () => {
  const naming = nameLog('shop/stem.jsonl')
  const collect = (run: (context: LineContext, sink: CountingSink) => void) => {
    const result: unknown[] = []
    run(
      { naming, offset: 0, lineHash: () => 'hash' },
      { copy: (copy) => void result.push(copy), refuse: (reason) => void result.push(reason) },
    )
    return result
  }

  test('counts as JSON.parse of the whole line would, to the last token', () => {
    let usual = 0
    fc.assert(
      fc.property(agentLine, chunkSize, (text, chunk) => {
        let found: unknown[] | undefined
        scanEach(Buffer.from(`${text}\n`), chunk, (line) => {
          if (line.kind === 'malformed') return
          if (line.kind === 'usual') usual++
          found = collect((context, sink) =>
            line.kind === 'usual' ? countUsual(line.usual, context, sink) : countLine(line.projection(), context, sink),
          )
          // and its projection says the same
          expect(collect((context, sink) => countLine(line.projection(), context, sink))).toEqual(found)
        })
        let parsed: unknown
        try {
          parsed = JSON.parse(text)
        } catch {
          return
        }
        expect(found ?? []).toEqual(collect((context, sink) => countLine(parsed, context, sink)))
      }),
      { numRuns: 5000 },
    )
    // the property is about nothing if hardly any line is usual
    expect(usual).toBeGreaterThan(50)
  })

  test.each([
    [
      'as agents write it',
      agentsLine({
        id: 'msg_1',
        requestId: 'req_1',
        uuid: 'u',
        usage: { cache_creation: { ephemeral_5m_input_tokens: 1, ephemeral_1h_input_tokens: 2 } },
      }),
      'usual',
    ],
    ['with a gateway’s id', agentsLine({ id: 'gen', usage: { iterations: [] } }), 'usual'],
    [
      'with a flat cache creation',
      agentsLine({ usage: { cache_creation: null, cache_creation_input_tokens: 5, cache_read_input_tokens: null } }),
      'usual',
    ],
    ['without session, model or id', agentsLine({ id: null, session: null, model: null }), 'usual'],
    ['with an offset in its time', agentsLine({ time: '2026-04-02T09:15:03.120+02:00' }), 'other'],
    ['with an advisor', agentsLine({ usage: { iterations: [{ type: 'advisor_message' }] } }), 'other'],
  ])('is a line %s', (_what, text, kind) => {
    const kinds: string[] = []
    scanEach(Buffer.from(`${text}\n`), 7, (line) => void kinds.push(line.kind))
    expect(kinds).toEqual([kind])
  })
})
