import { type Block, blocksOf, burnRateOf, largestBlock } from '../../domain/blocks.ts'
import type { PriceOf } from '../../domain/cost.ts'
import type { Buckets } from '../../domain/time-buckets.ts'
import { groupsOf } from '../../domain/token-query.ts'
import { sessionMetrics, timeSeries, type Usage, usageOf } from '../../domain/usage.ts'
import { createGenaiPriceList } from '../../pricing/genai-price-list.ts'
import { readTimeZone } from '../analysis-options.ts'
import { type Counted, countTranscripts } from '../count-transcripts.ts'
import { HOURS, usedHours } from '../used-hours.ts'
import { endCounting, type Status, type StatusFile, type Used, VERSION, writeStatus } from './status-file.ts'

/** Days that are kept: the current one may be another one when the status is read. */
const KEPT_DAYS = 3
const BLOCK_HOURS = 5

/** Counts the transcripts, as `analyze` does, for the status lines that follow. Never throws: they tell what went wrong. */
export async function countStatus(file: StatusFile, timeZone: string): Promise<void> {
  try {
    writeStatus(file, { of: file.of, ...(await statusNow(timeZone)) })
  } catch (error) {
    writeStatus(file, { of: file.of, ...nothing(Date.now()), problem: (error as Error).message })
  } finally {
    endCounting(file)
  }
}

const nothing = (asOf: number): Omit<Status, 'of'> => ({
  version: VERSION,
  asOf,
  sessions: {},
  days: {},
  block: undefined,
})

async function statusNow(timeZoneText: string): Promise<Omit<Status, 'of'>> {
  const asOf = Date.now()
  const timeZone = readTimeZone(timeZoneText)
  const { analysis, close } = await countTranscripts({ index: true, progress: false })
  try {
    return statusOf(analysis, { granularity: 'DAY', timeZone }, asOf)
  } finally {
    close()
  }
}

function statusOf(analysis: Counted['analysis'], days: Buckets, asOf: number): Omit<Status, 'of'> {
  const { priceOf } = createGenaiPriceList()
  const [answer] = analysis.answer([{ filter: {}, groupings: [[days], HOURS], sessions: true }])
  if (answer === undefined) return nothing(asOf)
  const blocks = blocksOf(usedHours(analysis, {}, answer), BLOCK_HOURS)
  const latest = blocks.at(-1)
  return {
    version: VERSION,
    asOf,
    sessions: Object.fromEntries(
      (answer.sessions ?? []).map((session) => [session.id, usedOf(sessionMetrics(session, priceOf))]),
    ),
    days: Object.fromEntries(
      [...timeSeries(groupsOf(answer, [days]), days, priceOf)].slice(-KEPT_DAYS).map((day) => [day.label, usedOf(day)]),
    ),
    block: latest === undefined ? undefined : blockOf(latest, blocks.slice(0, -1), priceOf),
  }
}

function blockOf(block: Block, earlier: readonly Block[], priceOf: PriceOf): NonNullable<Status['block']> {
  return {
    start: block.start,
    end: block.end,
    used: usedOf(usageOf(block.usage, priceOf)),
    costUsdPerHour: burnRateOf(block, priceOf)?.costUsdPerHour ?? null,
    largest: Number(largestBlock(earlier, Number.POSITIVE_INFINITY)),
  }
}

const usedOf = ({ tokens, costUsd }: Usage): Used => [Number(tokens.total), costUsd]
