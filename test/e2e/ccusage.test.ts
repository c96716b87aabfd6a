import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { ccusageIn, hasCcusage } from '../../bench/ccusage.ts'
import { run } from '../support/cli.ts'
import { line, makeFolder, writeTranscripts } from '../support/transcripts.ts'

// What we say beside what ccusage says, by its own commands.

const SONNET = 'claude-sonnet-4-5-20250929'
const MODELS = [SONNET, 'claude-opus-4-5-20251101', 'claude-haiku-4-5-20251001']
const HOUR = 3_600_000

interface TheirUsage {
  inputTokens: number
  outputTokens: number
  cacheCreationTokens: number
  cacheReadTokens: number
  totalTokens: number
  totalCost: number
}
interface TheirRow extends TheirUsage {
  [name: string]: unknown
  modelBreakdowns: (TheirUsage & { modelName: string; cost: number })[]
}

interface TheirBlock {
  startTime: string
  endTime: string
  actualEndTime: string
  isActive: boolean
  isGap: boolean
  models: string[]
  entries: number
  totalTokens: number
  costUSD: number
  burnRate: { tokensPerMinute: number; costPerHour: number } | null
  projection: { remainingMinutes: number; totalTokens: number } | null
}

async function theirs(folder: string, ...args: string[]) {
  const program = ccusageIn(makeFolder())
  const { stdout } = await promisify(execFile)(program, ['claude', ...args, '--offline', '--json'], {
    env: { CLAUDE_CONFIG_DIR: folder, HOME: folder, PATH: process.env.PATH ?? '' },
  })
  return JSON.parse(stdout)
}

interface OurRow {
  [name: string]: unknown
  tokens: { input: string; output: string; cacheCreation: string; cacheRead: string; total: string }
  costUsd: number
}

async function ours(folder: string, ...args: string[]) {
  const { stdout, stderr, code } = await run(
    [...args, '--transcripts', folder, '--format', 'json', '--no-index'],
    folder,
  )
  expect([code, stderr]).toEqual([0, ''])
  return JSON.parse(stdout)
}

/** Figures in the same form; costs to a millionth, as both add up in another order. */
const ourFigures = ({ tokens, costUsd }: OurRow) =>
  [tokens.input, tokens.output, tokens.cacheCreation, tokens.cacheRead, tokens.total]
    .map(Number)
    .concat(rounded(costUsd))
const theirFigures = (row: TheirUsage) => [
  ...[row.inputTokens, row.outputTokens, row.cacheCreationTokens, row.cacheReadTokens, row.totalTokens],
  rounded(row.totalCost),
]
const rounded = (usd: number): number => Math.round(usd * 1e6)
/** Of one model, whose row has no total. */
const theirModel = ({ cost, ...usage }: TheirRow['modelBreakdowns'][number]) =>
  theirFigures({
    ...usage,
    totalCost: cost,
    totalTokens: usage.inputTokens + usage.outputTokens + usage.cacheCreationTokens + usage.cacheReadTokens,
  })

const sorted = <T>(list: T[]): T[] => list.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))

/** Sessions of two months and of now, each response on one line of its own. */
function cleanCorpus(): string {
  const folder = makeFolder()
  const files: Record<string, string[]> = {}
  let number = 0
  const respond = (time: number): void => {
    number++
    const session = `session-${number % 7}`
    const project = ['-home-ann-shop', '-home-ann-notes'][number % 2] as string
    const name = `${project}/${session}-${project.length}.jsonl`
    files[name] ??= []
    files[name].push(
      line({
        ...{ id: `msg_01${String(number).padStart(22, 'x')}`, requestId: `req_${number}` },
        ...{ session: `${session}-${project.length}`, time: new Date(time).toISOString() },
        model: MODELS[number % 3] as string,
        usage: {
          ...{ input_tokens: 3 + number, output_tokens: 500 + 7 * number, cache_read_input_tokens: 1000 * number },
          // no cost is halfway between two millionths, which floats round either way
          cache_creation_input_tokens: 60 * number,
          cache_creation: { ephemeral_5m_input_tokens: 40 * number, ephemeral_1h_input_tokens: 20 * number },
        },
      }),
    )
  }
  const start = Date.UTC(2026, 1, 20, 4, 30)
  for (let i = 0; i < 90; i++) respond(start + i * 17.3 * HOUR + (i % 5) * 61_000)
  for (let minutes = 40; minutes > 0; minutes -= 13) respond(Date.now() - minutes * 60_000)
  writeTranscripts(folder, files)
  return folder
}

const there = hasCcusage()

describe.skipIf(!there)('on clean data we answer as ccusage does', () => {
  test.each([
    ['daily', 'day', 'date', 'UTC'],
    ['daily', 'day', 'date', 'America/St_Johns'],
    ['monthly', 'month', 'month', 'UTC'],
    ['monthly', 'month', 'month', 'Pacific/Auckland'],
    ['weekly', 'week', 'week', 'Europe/Berlin'],
  ])('%s, with --breakdown: analyze --by %s (%s, %s)', async (command, by, key, zone) => {
    const folder = cleanCorpus()
    const week = command === 'weekly' ? ['--start-of-week', 'monday'] : []
    const [their, our, ourModels] = await Promise.all([
      theirs(folder, command, '--breakdown', '--timezone', zone, ...week),
      ours(folder, 'analyze', '--by', by, '--time-zone', zone),
      ours(folder, 'analyze', '--by', `${by},model`, '--time-zone', zone),
    ])
    const labelOf = (row: TheirRow): string => (by === 'week' ? isoWeek(row[key] as string) : (row[key] as string))
    const rows = their[command] as TheirRow[]
    expect(our.rows.map((row: OurRow) => [row[by], ...ourFigures(row)])).toEqual(
      rows.map((row) => [labelOf(row), ...theirFigures(row)]),
    )
    expect(sorted(ourModels.rows.map((row: OurRow) => [row[by], row.model, ...ourFigures(row)]))).toEqual(
      sorted(
        rows.flatMap((row) =>
          row.modelBreakdowns.map((model) => [labelOf(row), model.modelName, ...theirModel(model)]),
        ),
      ),
    )
    expect(ourFigures(our)).toEqual(theirFigures(their.totals))
  })

  test('daily --instances: analyze --by project,day', async () => {
    const folder = cleanCorpus()
    const [their, our] = await Promise.all([
      theirs(folder, 'daily', '--instances', '--timezone', 'UTC'),
      ours(folder, 'analyze', '--by', 'project,day'),
    ])
    const rows = Object.entries(their.projects as Record<string, TheirRow[]>).flatMap(([project, days]) =>
      days.map((row) => [project, row.date, ...theirFigures(row)]),
    )
    expect(sorted(our.rows.map((row: OurRow) => [row.project, row.day, ...ourFigures(row)]))).toEqual(sorted(rows))
  })

  test('daily with a range, in the other order, of one project', async () => {
    const folder = cleanCorpus()
    const [their, our] = await Promise.all([
      theirs(
        ...([folder, 'daily', '--since', '20260301', '--until', '20260320', '--order', 'desc'] as const),
        ...['--project=-home-ann-shop', '--timezone', 'UTC'],
      ),
      ours(
        ...([folder, 'analyze', '--since', '20260301', '--until', '20260320', '--order', 'desc'] as const),
        ...['--project', '/home/ann/shop'],
      ),
    ])
    expect(our.rows.length).toBeGreaterThan(5)
    expect(our.rows.map((row: OurRow) => [row.day, ...ourFigures(row)])).toEqual(
      (their.daily as TheirRow[]).map((row) => [row.date, ...theirFigures(row)]),
    )
  })

  test('session: analyze --by session', async () => {
    const folder = cleanCorpus()
    const [their, our] = await Promise.all([
      theirs(folder, 'session', '--timezone', 'UTC'),
      ours(folder, 'analyze', '--by', 'session'),
    ])
    const ourRows = our.rows.map((row: OurRow) => [
      ...[row.session, row.project, row.startedAt, row.lastActivityAt],
      ...ourFigures(row),
    ])
    const theirRows = (their.sessions as TheirRow[]).map((row) => [
      ...[row.sessionId, row.projectPath, row.firstActivity, row.lastActivity],
      ...theirFigures(row),
    ])
    expect(ourRows).toHaveLength(14)
    expect(sorted(ourRows)).toEqual(sorted(theirRows))
  })

  test('blocks: the windows, which one goes on, its rate and its projection', async () => {
    const folder = cleanCorpus()
    const [their, our] = await Promise.all([
      theirs(folder, 'blocks', '--timezone', 'UTC', '--token-limit', '1000000'),
      ours(folder, 'blocks', '--limit', '1000000'),
    ])
    // theirs tells the time without a block, too
    const theirBlocks = (their.blocks as TheirBlock[]).filter(({ isGap }) => !isGap)
    expect(our.blocks.length).toBeGreaterThan(50)
    expect(
      our.blocks.map((block: OurRow) => [
        ...[block.start, block.end, block.lastAt, block.isActive, block.models, Number(block.recordCount)],
        ...[Number(block.tokens.total), rounded(block.costUsd)],
      ]),
    ).toEqual(
      theirBlocks.map(({ startTime, endTime, actualEndTime, isActive, models, entries, totalTokens, costUSD }) => [
        ...[startTime, endTime, actualEndTime, isActive, sorted([...models]), entries],
        ...[totalTokens, rounded(costUSD)],
      ]),
    )
    const [ourActive, theirActive] = [our.blocks.at(-1), theirBlocks.at(-1)]
    const theirRate = theirActive?.burnRate ?? { tokensPerMinute: 0, costPerHour: 0 }
    expect(ourActive.isActive).toBe(true)
    expect(ourActive.burnRate.tokensPerMinute).toBeCloseTo(theirRate.tokensPerMinute, 6)
    expect(ourActive.burnRate.costUsdPerHour).toBeCloseTo(theirRate.costPerHour, 6)
    const { remainingMinutes, totalTokens } = theirActive?.projection ?? { remainingMinutes: 0, totalTokens: 0 }
    // the two looked at the clock one after the other
    const minutes = remainingMinutes - ourActive.projection.remainingMinutes
    expect(Math.abs(minutes)).toBeLessThanOrEqual(1)
    expect(Number(ourActive.projection.tokens) + minutes * ourActive.burnRate.tokensPerMinute).toBeCloseTo(
      totalTokens,
      -1,
    )
  })
})

/** Of a Monday. */
function isoWeek(monday: string): string {
  const thursday = new Date(Date.parse(monday) + 3 * 24 * HOUR)
  const firstDay = Date.UTC(thursday.getUTCFullYear(), 0, 1)
  const week = Math.floor((thursday.getTime() - firstDay) / (7 * 24 * HOUR)) + 1
  return `${thursday.getUTCFullYear()}-W${String(week).padStart(2, '0')}`
}

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
