import { visible } from '../../domain/plain-text.ts'
import type { Status, Used } from './status-file.ts'

/** What an agent tells of the session that its prompt is of; everything may be absent. */
export interface Told {
  session_id?: unknown
  transcript_path?: unknown
  model?: { display_name?: unknown; id?: unknown }
  context_window?: { used_percentage?: unknown }
}

/** A part of the line, with what it should look like. */
export interface Part {
  text: string
  style?: 'yellow' | 'red'
}

/** Characters of a name. */
const MAX_NAME = 40
const NEAR = 80

/** The parts of a status line. `now`: milliseconds since 1970; `today`: its date. */
export function statusParts(
  told: Told,
  status: Status | undefined,
  { now, today, limit }: { now: number; today: string; limit: string | undefined },
): Part[] {
  const session = typeof told.session_id === 'string' ? status?.sessions[told.session_id] : undefined
  const parts: Part[] = []
  const model = told.model?.display_name ?? told.model?.id
  if (typeof model === 'string' && model !== '') parts.push({ text: short(model) })
  if (status === undefined) parts.push({ text: 'token-bridge counts …' })
  else if (status.problem !== undefined) parts.push({ text: `token-bridge: ${short(status.problem, 160)}` })
  else {
    if (session !== undefined) parts.push({ text: `session ${usedText(session)} (${tokensText(session[0])} tokens)` })
    parts.push({ text: `today ${usedText(status.days[today] ?? [0, 0])}` })
    const block = status.block
    if (block !== undefined && now < block.end) parts.push(...blockParts(block, now, limit))
  }
  const context = told.context_window?.used_percentage
  if (typeof context === 'number' && Number.isFinite(context)) parts.push(percentPart('context', context))
  return parts
}

function blockParts(block: NonNullable<Status['block']>, now: number, limit: string | undefined): Part[] {
  const rate = block.costUsdPerHour === null ? '' : `, $${block.costUsdPerHour.toFixed(2)}/h`
  const tokens = limit === 'max' ? block.largest : Number(limit?.replaceAll(/[,_]/g, ''))
  return [
    { text: `block ${usedText(block.used)}${rate}, ${leftText(block.end - now)} left` },
    ...(tokens > 0 ? [percentPart('limit', (block.used[0] / tokens) * 100)] : []),
  ]
}

const percentPart = (what: string, percent: number): Part => ({
  text: `${what} ${Math.round(percent)}%`,
  ...(percent > 100 ? { style: 'red' } : percent > NEAR ? { style: 'yellow' } : {}),
})

/** What cannot be priced is told in tokens. */
const usedText = ([tokens, costUsd]: Used): string =>
  costUsd === null ? `${tokensText(tokens)} unpriced` : `$${costUsd.toFixed(2)}`

/** `950`, `51.0k`, `2.8M`. */
export function tokensText(tokens: number): string {
  if (tokens < 1000) return String(tokens)
  const [unit, size] = tokens < 999_950 ? ['k', 1e3] : tokens < 999_950_000 ? ['M', 1e6] : ['B', 1e9]
  return `${(tokens / (size as number)).toFixed(1)}${unit}`
}

function leftText(ms: number): string {
  const minutes = Math.floor(ms / 60_000)
  return minutes < 60 ? `${minutes}m` : `${Math.floor(minutes / 60)}h ${minutes % 60}m`
}

const short = (text: string, max = MAX_NAME): string => {
  const one = visible(text.slice(0, max + 1))
  return one.length <= max ? one : `${one.slice(0, max - 1).replace(/[\ud800-\udbff]$/, '')}…`
}
