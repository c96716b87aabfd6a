import { createHash } from 'node:crypto'
import { z } from 'zod'
import { GROUPED_DIMENSIONS } from '../domain/dimensions.ts'
import { REFUSAL_REASONS } from '../domain/refusal.ts'
import { END_TIME } from '../domain/timestamp.ts'
import { SUMS, type SumField } from '../domain/token-counts.ts'
import { CONTEXT_TIERS } from '../domain/token-query.ts'
import type { CachedAnswer } from '../ports/answer-cache.ts'

// What the cache holds may come from another program, another version or a stranger: it is read like any input.

const bigint = z
  .string()
  .regex(/^\d{1,60}$/)
  .transform(BigInt)
/** The first bucket of 1970 may begin as much earlier. */
const MONTH_MS = 31 * 86_400_000
const time = z.number().int().min(-MONTH_MS).max(END_TIME)
const sums = z.object({
  model: z.string(),
  tier: z.number().int().nonnegative().max(CONTEXT_TIERS.length),
  ...(Object.fromEntries(SUMS.map((field) => [field, bigint])) as Record<SumField, typeof bigint>),
})
const usage = z.array(sums)
const group = z.object({ values: z.array(z.string()), start: time, usage })
const groups = z.record(z.string(), z.array(group))
const breakdowns = z
  .record(z.string(), z.object({ told: z.array(group), others: z.array(group) }))
  .refine((all) =>
    Object.entries(all).every(([key, { told }]) => told.every(({ values }) => values.length === combinedIn(key))),
  )
/** Of a breakdown, by its key (`breakdownKey`): how many dimensions it combines. What is no key throws, and is a miss. */
const combinedIn = (key: string): number => (JSON.parse(key) as [unknown[]])[0].length
/** Of a grouping, by its key: a value of each dimension. */
const dimensionsIn = (key: string): number =>
  key.split(' ').filter((name) => (GROUPED_DIMENSIONS as readonly string[]).includes(name)).length
const session = z.object({
  id: z.string(),
  project: z.string(),
  user: z.string(),
  host: z.string(),
  startedAt: time,
  lastActivityAt: time,
  latestPath: z.string(),
  latestOffset: z.number().int().nonnegative(),
  usage,
})
const answer = z.object({
  whole: usage,
  sessionCount: z.int32().nonnegative().optional(),
  firstAt: time.optional(),
  lastAt: time.optional(),
  groups: groups.refine((all) =>
    Object.entries(all).every(([key, list]) => list.every(({ values }) => values.length === dimensionsIn(key))),
  ),
  sessions: z.array(session).optional(),
  sessionPages: z.record(z.string(), z.array(session)).optional(),
  breakdowns: breakdowns.optional(),
  pricedBy: z.string().optional(),
})
const quality = z.object({
  duplicateLines: bigint,
  conflictingCopies: bigint,
  refused: z.array(z.object({ reason: z.enum(REFUSAL_REASONS), count: bigint })),
  whole: usage,
  archivedTokens: bigint,
  unshippedBytes: bigint,
})
const cached = z.object({
  watermark: z.string(),
  answer: z.object({
    answers: z.array(answer),
    quality: quality.optional(),
    asOf: time,
    watermark: z.string(),
    sample: z.boolean(),
  }),
})

/** Raise it when answers of the same form mean something else. */
const MEANING = 6
/** Of the form and meaning that answers have in this release: part of every key, so that no other ones are ever found. */
export const ANSWER_FORM = createHash('sha256')
  .update(JSON.stringify([MEANING, z.toJSONSchema(cached, { io: 'input', unrepresentable: 'any' })]))
  .digest('base64url')
  .slice(0, 12)

/** As JSON, with 64-bit and larger numbers as decimal strings. */
export function encodeAnswer(value: CachedAnswer): string {
  return JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? String(item) : item))
}

/** `undefined` for bytes that are no cached answer of this version. */
export function decodeAnswer(text: string): CachedAnswer | undefined {
  try {
    const result = cached.safeParse(JSON.parse(text))
    return result.success ? (result.data as CachedAnswer) : undefined
  } catch {
    return undefined
  }
}
