import { describe, expect, test } from 'vitest'
import { EVERYTHING } from '../../../src/domain/scope.ts'
import { type AnswersOptions, createAnswers, type Question } from '../../../src/reading/answers.ts'
import type { CachedSource } from '../../../src/reading/cached-source.ts'
import type { Decision } from '../../../src/reading/decision.ts'

const WHOLE: Question = { filter: {}, preference: 'AUTO' }
const DATABASE: Decision = { source: 'CLICKHOUSE', reason: 'EXPERIMENT', cohort: 'database' }
const NOTHING = { inFiles: false, everywhere: false }

/** A source in a state, whose answers come from the cache. */
const sourceIn = (state: string | undefined, cache: 'HIT' | 'MISS' = 'HIT'): CachedSource => ({
  state: () => state,
  answer: async () => ({
    answer: {
      answers: [{ whole: [], firstAt: undefined, lastAt: undefined, groups: {} }],
      quality: undefined,
      asOf: 5,
      watermark: 'w',
      sample: false,
    },
    cache,
    state: cache === 'HIT' ? state : undefined,
  }),
})

const answersWith = (different: Partial<AnswersOptions> = {}) =>
  createAnswers({
    access: EVERYTHING,
    sourceOf: () => sourceIn('1 a'),
    decide: () => DATABASE,
    migrationProgress: 1,
    generation: 3,
    lacking: async () => NOTHING,
    onFallback() {},
    ...different,
  })

async function basisOf(different?: Partial<AnswersOptions>, question = WHOLE, section: 'whole' | 'quality' = 'whole') {
  const answers = answersWith(different)
  await answers.load(question, section)
  return answers.basis()
}

describe('what answers followed from', () => {
  test('holds while nothing of it has changed, and tells of each answer as of one from the cache', async () => {
    const basis = await basisOf()
    const told: unknown[] = []
    const now = answersWith({ onAnswer: ({ source, cache }) => void told.push(source, cache) })
    expect(await now.stillHolds(basis as never)).toBe(true)
    expect(told).toEqual(['CLICKHOUSE', 'HIT'])
  })

  test.each<[string, Partial<AnswersOptions>]>([
    ['another source answers whoever asks', { decide: () => ({ ...DATABASE, source: 'HYBRID' }) }],
    ['for another reason', { decide: () => ({ ...DATABASE, reason: 'ROLLOUT' }) }],
    ['in another arm', { decide: () => ({ ...DATABASE, cohort: null }) }],
    ['the source has counted more', { sourceOf: () => sourceIn('1 b') }],
    ['the source cannot answer', { sourceOf: () => sourceIn(undefined) }],
    ['there is no such source', { sourceOf: () => undefined }],
    ['the migration has gone on', { migrationProgress: 0.5 }],
    ['what is published was switched', { generation: 4 }],
    ['something acknowledged is lacking', { lacking: async () => ({ inFiles: false, everywhere: true }) }],
  ])('does not hold where %s', async (_, different) => {
    const basis = await basisOf()
    expect(basis).toBeDefined()
    expect(await answersWith(different).stillHolds(basis as never)).toBe(false)
  })

  test('does not hold for the files where something archived can be read nowhere now', async () => {
    const files: Partial<AnswersOptions> = {
      decide: () => ({ source: 'LEGACY', reason: 'BRIDGE_DISABLED', cohort: null }),
    }
    const archived = (isStale: boolean) => ({ ...files, archived: async () => ({ tokens: 0n, isStale }) })
    const basis = await basisOf(archived(false))
    expect(await answersWith(archived(false)).stillHolds(basis as never)).toBe(true)
    expect(await answersWith(archived(true)).stillHolds(basis as never)).toBe(false)
  })

  test('is nothing lasting where an answer was made, is stale, tells the quality, or was a choice', async () => {
    expect(await basisOf({ sourceOf: () => sourceIn('1 a', 'MISS') })).toBeUndefined()
    expect(await basisOf({ lacking: async () => ({ inFiles: false, everywhere: true }) })).toBeUndefined()
    expect(await basisOf({}, WHOLE, 'quality')).toBeUndefined()
    expect(await basisOf({}, { filter: {}, preference: 'CLICKHOUSE' })).toBeUndefined()
    expect(answersWith().basis()).toBeUndefined()
  })
})
