import { describe, expect, test } from 'vitest'
import { BridgeError, type ErrorCode } from '../../../src/domain/errors.ts'
import { EVERYTHING } from '../../../src/domain/scope.ts'
import type { SourceAnswer } from '../../../src/ports/token-source.ts'
import { createAnswers } from '../../../src/reading/answers.ts'
import type { CachedSource } from '../../../src/reading/cached-source.ts'

const EMPTY: SourceAnswer = {
  answers: [{ whole: [], firstAt: undefined, lastAt: undefined, groups: {} }],
  quality: undefined,
  asOf: 5,
  watermark: 'w',
  sample: false,
}

/** ClickHouse is chosen, and fails; the files answer. */
function scene(failure: Error) {
  const asked: string[] = []
  const fallbacks: unknown[] = []
  const files: CachedSource = {
    state: () => undefined,
    async answer() {
      asked.push('files')
      return { answer: EMPTY, cache: 'BYPASS' }
    },
  }
  const answers = createAnswers({
    access: EVERYTHING,
    sourceOf: (source) => (source === 'LEGACY' ? files : { ...files, answer: () => Promise.reject(failure) }),
    decide: () => ({ source: 'CLICKHOUSE', reason: 'ROLLOUT', cohort: null }),
    migrationProgress: 1,
    lacking: async () => ({ inFiles: false, everywhere: false }),
    onFallback: (_, error) => void fallbacks.push(error),
  })
  return { asked, fallbacks, answer: answers.load({ filter: {}, preference: 'AUTO' }, 'whole') }
}

describe('where the chosen source does not answer', () => {
  test.each<ErrorCode>(['OVERLOADED', 'QUERY_TOO_EXPENSIVE', 'INVALID_ARGUMENT', 'FORBIDDEN', 'UNAUTHENTICATED'])(
    'because the caller asks too much or wrongly (%s), the caller is told, and no other source is asked',
    async (code) => {
      const { answer, asked, fallbacks } = scene(new BridgeError(code, 'no'))
      await expect(answer).rejects.toMatchObject({ code })
      expect(asked).toEqual([])
      expect(fallbacks).toEqual([])
    },
  )

  test.each([
    ['is away', new BridgeError('SOURCE_UNAVAILABLE', 'away')],
    ['fails in a way of its own', new Error('ClickHouse did not carry out answer: 241 MEMORY_LIMIT_EXCEEDED')],
  ])('because it %s, the files answer, and say why', async (_, failure) => {
    const { answer, asked, fallbacks } = scene(failure)
    expect((await answer).provenance).toMatchObject({ source: 'LEGACY', reason: 'SOURCE_UNAVAILABLE' })
    expect(asked).toEqual(['files'])
    expect(fallbacks).toEqual([failure])
  })
})

test('where the guard trips while ClickHouse is asked, the files answer: nobody is told its figures from then on', async () => {
  const { promise, resolve } = Promise.withResolvers<SourceAnswer>()
  let isTripped = false
  const of = (answer: Promise<SourceAnswer>): CachedSource => ({
    state: () => 's',
    answer: async () => ({ answer: await answer, cache: 'HIT', state: 's' }),
  })
  const answers = createAnswers({
    access: EVERYTHING,
    sourceOf: (source) => of(source === 'LEGACY' ? Promise.resolve({ ...EMPTY, asOf: 6 }) : promise),
    decide: () =>
      isTripped
        ? { source: 'LEGACY', reason: 'GUARD_TRIPPED', cohort: null }
        : { source: 'CLICKHOUSE', reason: 'ROLLOUT', cohort: null },
    migrationProgress: 1,
    lacking: async () => ({ inFiles: false, everywhere: false }),
    onFallback: () => expect.unreachable('nothing failed'),
  })
  const answer = answers.load({ filter: {}, preference: 'AUTO' }, 'whole')
  await new Promise(setImmediate)
  isTripped = true
  resolve(EMPTY)
  expect((await answer).provenance).toMatchObject({ source: 'LEGACY', reason: 'GUARD_TRIPPED', asOf: 6 })
  expect(answers.basis()?.groups).toMatchObject([{ decision: { reason: 'GUARD_TRIPPED' } }])
})
