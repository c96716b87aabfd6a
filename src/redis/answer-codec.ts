import { z } from 'zod'
import { REFUSAL_REASONS } from '../domain/refusal.ts'
import { SUMS, type SumField } from '../domain/token-counts.ts'
import type { CachedAnswer } from '../ports/answer-cache.ts'

// What the cache holds may come from another program, another version or a stranger: it is read like any input.

const bigint = z
  .string()
  .regex(/^\d{1,60}$/)
  .transform(BigInt)
const time = z.number().int()
const sums = z.object({
  model: z.string(),
  tier: z.number().int().nonnegative(),
  ...(Object.fromEntries(SUMS.map((field) => [field, bigint])) as Record<SumField, typeof bigint>),
})
const usage = z.array(sums)
const answer = z.object({
  whole: usage,
  sessionCount: z.number().int().nonnegative().optional(),
  firstAt: time.optional(),
  lastAt: time.optional(),
  groups: z.record(z.string(), z.array(z.object({ values: z.array(z.string()), start: time, usage }))),
  sessions: z
    .array(
      z.object({
        id: z.string(),
        project: z.string(),
        user: z.string(),
        host: z.string(),
        startedAt: time,
        lastActivityAt: time,
        latestPath: z.string(),
        latestOffset: time,
        usage,
      }),
    )
    .optional(),
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
