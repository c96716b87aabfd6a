import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { countLine, countUsual, type LineContext } from '../../../../src/transcripts/claude-code/counting.ts'
import { nameLog } from '../../../../src/transcripts/claude-code/naming.ts'
import type { CountingSink } from '../../../../src/transcripts/format.ts'
import { chunkSize, scanEach } from '../../../support/line-scanning.ts'
import { line as agentsLine } from '../../../support/transcripts.ts'

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
  member('gitBranch', text('main', 'HEAD', 'gr\u00fc', 'a\\u0041b', 'x'.repeat(201), 'x'.repeat(1200))),
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
    ['with a branch', agentsLine({ branch: 'feature/a' }), 'usual'],
    ['with a branch in another script', agentsLine({ branch: 'größe/日本 😀' }), 'usual'],
    ['with an offset in its time', agentsLine({ time: '2026-04-02T09:15:03.120+02:00' }), 'other'],
    ['with an advisor', agentsLine({ usage: { iterations: [{ type: 'advisor_message' }] } }), 'other'],
  ])('is a line %s', (_what, text, kind) => {
    const kinds: string[] = []
    scanEach(Buffer.from(`${text}\n`), 7, (line) => void kinds.push(line.kind))
    expect(kinds).toEqual([kind])
  })
})
