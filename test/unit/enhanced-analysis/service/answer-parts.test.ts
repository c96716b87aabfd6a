import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { UsageSums } from '../../../../src/domain/token-query.ts'
import { finished } from '../../../../src/domain/work.ts'
import { inParts, joined } from '../../../../src/enhanced-analysis/service/answer-parts.ts'
import type { SourceAnswer } from '../../../../src/ports/token-source.ts'

const sums = (count: number): UsageSums[] =>
  Array.from({ length: count }, (_, i) => ({
    model: `model-${i}`,
    tier: i % 3,
    input: BigInt(i) * 10n ** 20n,
    output: 1n,
    cacheRead: 0n,
    cacheCreation5m: 2n,
    cacheCreation1h: 3n,
    records: 1n,
  }))

test('an answer that goes over in parts is the same answer, however long its lists are', async () => {
  const length = fc.constantFrom(0, 1, 2, 999, 1000, 1001, 2500)
  const groups = fc.option(fc.array(length, { maxLength: 4 }), { nil: undefined })
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(length, groups, groups), { maxLength: 3 }), length, async (shapes, quality) => {
      const answer: SourceAnswer = {
        answers: shapes.map(([whole, projects, slots]) => ({
          whole: sums(whole),
          firstAt: whole === 0 ? undefined : 1,
          lastAt: undefined,
          groups: {
            ...(projects === undefined
              ? {}
              : { project: projects.map((count, i) => ({ values: [`p${i}`], start: 0, usage: sums(count) })) }),
            ...(slots === undefined
              ? {}
              : { slot: slots.map((count, i) => ({ values: [], start: i, usage: sums(count) })) }),
          },
        })),
        quality: {
          duplicateLines: 1n,
          conflictingCopies: 0n,
          refused: [],
          whole: sums(quality),
          archivedTokens: 0n,
          unshippedBytes: 5n,
        },
        asOf: 7,
        watermark: 'w',
        sample: false,
      }
      expect(await joined(structuredClone(finished(inParts(answer))))).toEqual(answer)
    }),
    { numRuns: 30 },
  )
})
