import { describe, expect, test } from 'vitest'
import { hasCcusage } from '../../bench/ccusage.ts'
import {
  type OurRow,
  ourFigures,
  ours,
  rounded,
  SONNET,
  sorted,
  type TheirRow,
  theirFigures,
  theirModel,
  theirs,
} from '../support/ccusage.ts'
import { line, makeFolder, writeTranscripts } from '../support/transcripts.ts'

const MODELS = [SONNET, 'claude-opus-4-5-20251101', 'claude-haiku-4-5-20251001']
const HOUR = 3_600_000

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
