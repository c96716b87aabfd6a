import { describe, expect, test } from 'vitest'
import { hasCcusage } from '../../bench/ccusage.ts'
import { type OurRow, ourFigures, ours, SONNET, type TheirRow, theirFigures, theirs } from '../support/ccusage.ts'
import { line, makeFolder, writeTranscripts } from '../support/transcripts.ts'

const there = hasCcusage()

const ID = 'msg_01ABCDEFGHIJKLMNOPQRSTUV'
const one = (parts: Parameters<typeof line>[0] = {}): string =>
  line({ id: ID, requestId: 'req_1', ...parts, usage: { input_tokens: 100, output_tokens: 10, ...parts?.usage } })
const progress = JSON.stringify({
  ...{ type: 'progress', sessionId: 's1', timestamp: '2026-04-02T09:15:03.120Z' },
  data: { type: 'agent_progress', message: JSON.parse(one()) },
})

interface Trap {
  files: Record<string, string[]>
  /** All tokens, by us. */
  ours: number
  theirs: { daily: number; weekly: number }
}

/** Where ccusage (20.0.20) counts otherwise, and why we do as we do. */
const DIFFERENT: Record<string, Trap> = {
  'a line with spaces behind its colons is a line: theirs looks for the bytes "usage":{': {
    files: { 'p/a.jsonl': [one().replace('"usage":{', '"usage": {')] },
    ...{ ours: 110, theirs: { daily: 0, weekly: 0 } },
  },
  'a message id that is unique says which response it is; theirs takes the request id along (rule 7)': {
    files: { 'p/a.jsonl': [one(), one({ requestId: 'req_2' })] },
    ...{ ours: 110, theirs: { daily: 220, weekly: 220 } },
  },
  'an id that a gateway gives to every response is none, and without a request id its moment tells it (rule 7)': {
    files: {
      'p/a.jsonl': ['09', '10'].map((hour) =>
        line({ id: 'gen', time: `2026-04-02T${hour}:00:00.000Z`, usage: { input_tokens: 100, output_tokens: 10 } }),
      ),
    },
    ...{ ours: 220, theirs: { daily: 110, weekly: 110 } },
  },
  "a sub-agent's progress counts (rule 1); theirs has it by day, and not by week": {
    files: { 'p/a.jsonl': [progress] },
    ...{ ours: 110, theirs: { daily: 110, weekly: 0 } },
  },
  'a record whose model is null is of an unknown one (rule 5); theirs leaves it out': {
    files: { 'p/a.jsonl': [one().replace(`"model":"${SONNET}"`, '"model":null')] },
    ...{ ours: 110, theirs: { daily: 0, weekly: 0 } },
  },
  'a count that is null is 0 (rule 2); theirs leaves the line out': {
    files: { 'p/a.jsonl': [one({ usage: { cache_read_input_tokens: null } })] },
    ...{ ours: 110, theirs: { daily: 0, weekly: 0 } },
  },
  '100.0 is a whole number (rule 1); theirs leaves the line out': {
    files: { 'p/a.jsonl': [one().replace('"input_tokens":100', '"input_tokens":100.0')] },
    ...{ ours: 110, theirs: { daily: 0, weekly: 0 } },
  },
}

/** Traps that both see. */
const ALIKE: Record<string, Record<string, string[]>> = {
  'streamed copies of a response': {
    'p/a.jsonl': [1, 5, 10].map((output) => one({ usage: { output_tokens: output } })),
  },
  'a fork that copies lines into another session and project': {
    'p/a.jsonl': [one({ usage: { output_tokens: 1 } })],
    'q/b.jsonl': [one({ session: 's2' })],
  },
  'a replay by a sub-agent': { 'p/a.jsonl': [one()], 'p/s1/subagents/agent-1.jsonl': [one({ sidechain: true })] },
  'a response without a message id': { 'p/a.jsonl': [one({ id: null })] },
  'usage in the result of a tool': {
    'p/a.jsonl': [one({ content: [{ type: 'text', text: '{"usage":{"input_tokens":999}}' }] })],
  },
  'an offset in a timestamp': { 'p/a.jsonl': [one({ time: '2026-04-02T01:15:03+02:00' })] },
}

describe.skipIf(!there)('on data with traps', () => {
  test.each(Object.entries(DIFFERENT))('%s', async (_, trap) => {
    const folder = makeFolder()
    writeTranscripts(folder, trap.files)
    const [our, daily, weekly] = await Promise.all([
      ours(folder, 'analyze'),
      theirs(folder, 'daily', '--timezone', 'UTC'),
      theirs(folder, 'weekly', '--timezone', 'UTC'),
    ])
    expect(Number(our.tokens.total)).toBe(trap.ours)
    expect({ daily: daily.totals.totalTokens, weekly: weekly.totals.totalTokens }).toEqual(trap.theirs)
  })

  test.each(Object.entries(ALIKE))('both count once: %s', async (_, files) => {
    const folder = makeFolder()
    writeTranscripts(folder, files)
    const [our, their] = await Promise.all([ours(folder, 'analyze'), theirs(folder, 'daily', '--timezone', 'UTC')])
    expect(our.tokens.total).toBe('110')
    expect(our.rows.map((row: OurRow) => [row.day, ...ourFigures(row)])).toEqual(
      (their.daily as TheirRow[]).map((row) => [row.date, ...theirFigures(row)]),
    )
  })

  test('a prompt of more than 200,000 tokens is dearer as a whole; theirs prices what is beyond', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, { 'p/a.jsonl': [one({ usage: { input_tokens: 300_000, output_tokens: 0 } })] })
    const [our, their] = await Promise.all([ours(folder, 'analyze'), theirs(folder, 'daily')])
    expect([our.costUsd, their.totals.totalCost]).toEqual([expect.closeTo(1.8), expect.closeTo(1.2)])
  })

  test('what has no price is unpriced; to theirs it is free', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, { 'p/a.jsonl': [one({ model: 'mystery' })] })
    const [our, their] = await Promise.all([ours(folder, 'analyze'), theirs(folder, 'daily')])
    expect([our.costUsd, Math.abs(their.totals.totalCost)]).toEqual([null, 0])
    expect([our.tokens.total, their.totals.totalTokens]).toEqual(['110', 110])
  })
})
