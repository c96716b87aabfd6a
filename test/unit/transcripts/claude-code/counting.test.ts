import { describe, expect, test } from 'vitest'
import { countLine } from '../../../../src/transcripts/claude-code/counting.ts'
import { nameLog } from '../../../../src/transcripts/claude-code/naming.ts'
import type { TokenCopy } from '../../../../src/transcripts/token-copy.ts'
import { type LineParts, line } from '../../../support/transcripts.ts'

function count(text: unknown, path = 'shop/file-stem.jsonl'): { copies: TokenCopy[]; refused: string[] } {
  const copies: TokenCopy[] = []
  const refused: string[] = []
  const parsed = typeof text === 'string' ? JSON.parse(text) : text
  countLine(
    parsed,
    { naming: nameLog(path), offset: 7, lineHash: () => 'hash-of-the-line' },
    { copy: (copy) => void copies.push(copy), refuse: (reason) => void refused.push(reason) },
  )
  return { copies, refused }
}

const one = (parts: LineParts, path?: string): TokenCopy => {
  const { copies, refused } = count(line(parts), path)
  expect(refused).toEqual([])
  expect(copies).toHaveLength(1)
  return copies[0] as TokenCopy
}

describe('rule 1: what counts', () => {
  test('is an object with message.usage that has both counts, whatever its type', () => {
    expect(one({ usage: { input_tokens: 3, output_tokens: 4 } })).toMatchObject({ input: 3, output: 4, total: 7 })
    expect(count({ ...JSON.parse(line()), type: 'user' }).copies).toHaveLength(1)
  })

  test('takes whole numbers however they are written', () => {
    const text = line()
      .replace('"input_tokens":1', '"input_tokens":100.0')
      .replace('"output_tokens":1', '"output_tokens":1e2')
    expect(count(text).copies).toMatchObject([{ input: 100, output: 100 }])
  })

  test.each([
    ['missing', {}],
    ['null', { input_tokens: null, output_tokens: 1 }],
    ['negative', { input_tokens: -1, output_tokens: 1 }],
    ['broken', { input_tokens: 1.5, output_tokens: 1 }],
    ['a text', { input_tokens: '1', output_tokens: 1 }],
    ['a broken cache read', { input_tokens: 1, output_tokens: 1, cache_read_input_tokens: 0.5 }],
    ['a negative cache creation', { input_tokens: 1, output_tokens: 1, cache_creation_input_tokens: -1 }],
    ['a broken split', { input_tokens: 1, output_tokens: 1, cache_creation: { ephemeral_5m_input_tokens: 'x' } }],
    ['a split that is a text', { input_tokens: 1, output_tokens: 1, cache_creation: 'x' }],
  ])('refuses counts that are %s as invalid_tokens', (_name, usage) => {
    expect(count({ ...JSON.parse(line()), message: { id: 'msg_1', usage } })).toEqual({
      copies: [],
      refused: ['invalid_tokens'],
    })
  })

  test.each([undefined, null, 'text', 5, [1]])('usage that is %j makes no record and no refusal', (usage) => {
    expect(count({ ...JSON.parse(line()), message: { id: 'msg_1', usage } })).toEqual({ copies: [], refused: [] })
  })

  test.each([[[1, 2]], [null], [5], [{}], [{ message: 'text' }], [{ data: { message: null } }]])(
    '%j is no record',
    (value) => {
      expect(count(value)).toEqual({ copies: [], refused: [] })
    },
  )

  test('toolUseResult.usage and text that looks like usage never count', () => {
    const text = JSON.stringify({
      type: 'user',
      sessionId: 's',
      timestamp: '2026-04-02T09:15:03Z',
      message: {
        role: 'user',
        content: [{ type: 'tool_result', content: '{"usage":{"input_tokens":999,"output_tokens":1}}' }],
      },
      toolUseResult: { usage: { input_tokens: 7, output_tokens: 3 } },
    })
    expect(count(text)).toEqual({ copies: [], refused: [] })
  })

  test('an agent_progress line counts as a sidechain record with its own request and time', () => {
    const progress = {
      type: 'progress',
      sessionId: 'session-1',
      timestamp: '2030-01-01T00:00:00Z',
      requestId: 'req_outer',
      isSidechain: false,
      data: {
        type: 'agent_progress',
        message: {
          type: 'assistant',
          timestamp: '2026-04-02T09:15:03Z',
          requestId: 'req_inner',
          message: { id: 'gen', model: 'm', usage: { input_tokens: 7, output_tokens: 1 } },
        },
      },
    }
    const { copies } = count(progress)
    expect(copies).toMatchObject([
      {
        sidechain: true,
        time: Date.parse('2026-04-02T09:15:03Z'),
        session: 'session-1',
        identity: 'request:3:gen:req_inner',
        input: 7,
      },
    ])
    const { timestamp: _, ...timeless } = progress.data.message
    expect(count({ ...progress, data: { message: timeless } }).refused).toEqual(['invalid_timestamp'])
  })

  test('each advisor among the iterations is one more record, with its own model', () => {
    const advisor = {
      type: 'advisor_message',
      model: 'claude-opus-4-5',
      input_tokens: 10,
      output_tokens: 20,
      cache_read_input_tokens: 5,
    }
    const { copies } = count(
      line({ usage: { iterations: [{ type: 'message' }, advisor, 5, { ...advisor, model: null }] } }),
    )
    expect(copies.map(({ identity, model, total }) => [identity, model, total])).toEqual([
      ['message:msg_01', 'claude-sonnet-4-5-20250929', 2],
      ['advisor:message:msg_01:advisor:1', 'claude-opus-4-5', 35],
      ['advisor:message:msg_01:advisor:3', 'unknown', 35],
    ])
    const broken = count(line({ usage: { iterations: [{ type: 'advisor_message', input_tokens: 1 }] } }))
    expect(broken).toMatchObject({ copies: [{ total: 2 }], refused: ['invalid_tokens'] })
  })
})

describe('rule 2: cache creation', () => {
  test.each([
    [
      'the split, not the flat count',
      {
        cache_creation_input_tokens: 9,
        cache_creation: { ephemeral_5m_input_tokens: 3, ephemeral_1h_input_tokens: 4 },
      },
      3,
      4,
    ],
    [
      'the flat count where the split is 0',
      {
        cache_creation_input_tokens: 9,
        cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
      },
      9,
      0,
    ],
    ['the flat count where there is no split', { cache_creation_input_tokens: 9 }, 9, 0],
    ['the flat count where the split is null', { cache_creation_input_tokens: 9, cache_creation: null }, 9, 0],
    ['the split alone', { cache_creation: { ephemeral_1h_input_tokens: 4 } }, 0, 4],
    [
      '0 where all is null',
      { cache_creation_input_tokens: null, cache_creation: { ephemeral_5m_input_tokens: null } },
      0,
      0,
    ],
  ])('is %s', (_name, usage, fiveMinutes, oneHour) => {
    expect(one({ usage })).toMatchObject({ cacheCreation5m: fiveMinutes, cacheCreation1h: oneHour })
  })
})

describe('rules 3 to 6', () => {
  test('the total is input, output, cache creation and cache read', () => {
    const usage = {
      input_tokens: 1,
      output_tokens: 20,
      cache_creation_input_tokens: 300,
      cache_read_input_tokens: 4000,
    }
    expect(one({ usage }).total).toBe(4321)
  })

  test.each(['2026-04-02', '1775121303', '1969-12-31T23:59:59Z', ''])('a timestamp "%s" is invalid', (time) => {
    expect(count(line({ time })).refused).toEqual(['invalid_timestamp'])
    expect(count({ ...JSON.parse(line()), timestamp: 5 }).refused).toEqual(['invalid_timestamp'])
  })

  test.each([null, ''])('a model that is %j is unknown', (model) => {
    expect(one({ model }).model).toBe('unknown')
    expect(one({ model: '<synthetic>' }).model).toBe('<synthetic>')
  })

  test('the session is the path’s for sub-agents, else the line’s, else the file’s stem', () => {
    expect(one({ session: 'line' }, 'shop/parent/subagents/agent-1.jsonl').session).toBe('parent')
    expect(one({ session: 'line' }, 'shop/stem.jsonl').session).toBe('line')
    expect(one({ session: null }, 'shop/stem.jsonl').session).toBe('stem')
    // an empty one names nothing
    expect(one({ session: '' }, 'shop/stem.jsonl').session).toBe('stem')
    expect(one({ session: '' }, 'shop/parent/subagents/agent-1.jsonl').session).toBe('parent')
  })

  test.each(['../etc', 'a b', 'x'.repeat(101), 'é'])('the session id "%s" is refused', (session) => {
    expect(count(line({ session })).refused).toEqual(['invalid_session_id'])
  })

  test('a session id of 100 characters, and a number as session id', () => {
    expect(one({ session: 'x'.repeat(100) }).session).toHaveLength(100)
    expect(count({ ...JSON.parse(line()), sessionId: 5 }).refused).toEqual(['invalid_session_id'])
  })
})

describe('limits', () => {
  test('a count of one trillion counts, one more is refused', () => {
    expect(one({ usage: { input_tokens: 1e12 } }).input).toBe(1e12)
    for (const usage of [
      { input_tokens: 1e12 + 1 },
      { output_tokens: 1e300 },
      { cache_read_input_tokens: 1e12 + 1 },
      { cache_creation: { ephemeral_5m_input_tokens: 1e12, ephemeral_1h_input_tokens: 1 } },
    ])
      expect(count(line({ usage })).refused).toEqual(['token_count_out_of_range'])
  })
})

describe('rule 6: the branch', () => {
  test.each([
    ['as it is', 'feature/größe', 'feature/größe'],
    ['absent: empty', undefined, ''],
    ['null: empty', null, ''],
    ['no text: empty', 7, ''],
    ['cut off after 200 characters', 'x'.repeat(201), 'x'.repeat(200)],
    ['never in the middle of one', `${'x'.repeat(199)}😀`, 'x'.repeat(199)],
    ['whole up to 200', `${'x'.repeat(198)}😀`, `${'x'.repeat(198)}😀`],
    ['with half a character, which no store can keep', `a\ud800b`, 'a\ufffdb'],
    ['with half a character as the last', `${'x'.repeat(199)}\ud800${'x'.repeat(9)}`, `${'x'.repeat(199)}\ufffd`],
  ])('is that of the line: %s', (_what, branch, expected) => {
    expect(one({ branch }).branch).toBe(expected)
  })

  test('is that of the line for the message of a sub-agent and for an advisor, too', () => {
    const usage = { iterations: [{ type: 'advisor_message', input_tokens: 1, output_tokens: 2 }] }
    expect(count(line({ branch: 'b', usage })).copies.map(({ branch }) => branch)).toEqual(['b', 'b'])
    const { message, timestamp } = JSON.parse(line())
    const progress = { sessionId: 's', gitBranch: 'b', data: { message: { message, timestamp, gitBranch: 'other' } } }
    expect(count(progress).copies).toMatchObject([{ branch: 'b', sidechain: true }])
  })
})

describe('rule 7: identity', () => {
  test('a line without message id and uuid is identified by session, line and place', () => {
    expect(one({ id: null }).identity).toBe('line:session-1:hash-of-the-line:7')
    expect(one({ id: null, uuid: 'u' }).identity).toBe('uuid:u')
    expect(one({ id: '' }).identity).toBe('line:session-1:hash-of-the-line:7')
  })
})
