import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect } from 'vitest'
import { ccusageIn } from '../../bench/ccusage.ts'
import { run } from './cli.ts'
import { makeFolder } from './transcripts.ts'

// What we say beside what ccusage says, by its own commands.

export const SONNET = 'claude-sonnet-4-5-20250929'

interface TheirUsage {
  inputTokens: number
  outputTokens: number
  cacheCreationTokens: number
  cacheReadTokens: number
  totalTokens: number
  totalCost: number
}
export interface TheirRow extends TheirUsage {
  [name: string]: unknown
  modelBreakdowns: (TheirUsage & { modelName: string; cost: number })[]
}

export async function theirs(folder: string, ...args: string[]) {
  const program = ccusageIn(makeFolder())
  const { stdout } = await promisify(execFile)(program, ['claude', ...args, '--offline', '--json'], {
    env: { CLAUDE_CONFIG_DIR: folder, HOME: folder, PATH: process.env.PATH ?? '' },
  })
  return JSON.parse(stdout)
}

export interface OurRow {
  [name: string]: unknown
  tokens: { input: string; output: string; cacheCreation: string; cacheRead: string; total: string }
  costUsd: number
}

export async function ours(folder: string, ...args: string[]) {
  const { stdout, stderr, code } = await run(
    [...args, '--transcripts', folder, '--format', 'json', '--no-index'],
    folder,
  )
  expect([code, stderr]).toEqual([0, ''])
  return JSON.parse(stdout)
}

/** Figures in the same form; costs to a millionth, as both add up in another order. */
export const ourFigures = ({ tokens, costUsd }: OurRow) =>
  [tokens.input, tokens.output, tokens.cacheCreation, tokens.cacheRead, tokens.total]
    .map(Number)
    .concat(rounded(costUsd))
export const theirFigures = (row: TheirUsage) => [
  ...[row.inputTokens, row.outputTokens, row.cacheCreationTokens, row.cacheReadTokens, row.totalTokens],
  rounded(row.totalCost),
]
export const rounded = (usd: number): number => Math.round(usd * 1e6)
/** Of one model, whose row has no total. */
export const theirModel = ({ cost, ...usage }: TheirRow['modelBreakdowns'][number]) =>
  theirFigures({
    ...usage,
    totalCost: cost,
    totalTokens: usage.inputTokens + usage.outputTokens + usage.cacheCreationTokens + usage.cacheReadTokens,
  })

export const sorted = <T>(list: T[]): T[] => list.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
