import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'
import { generateCorpus } from '../../corpus/generate.ts'
import type { Truth, TruthGroup } from '../../corpus/truth.ts'
import { recount } from '../../scripts/recount.ts'
import type { GroupedDimension } from '../../src/domain/dimensions.ts'
import { groupsOf, type UsageSums } from '../../src/domain/token-query.ts'
import { timeSeries, type Usage, usageByModel, usageByValue, usageOf } from '../../src/domain/usage.ts'
import type { Analysis } from '../../src/enhanced-analysis/analysis.ts'
import { createGenaiPriceList } from '../../src/pricing/genai-price-list.ts'
import { DAYS } from '../support/bucketed.ts'
import { analysisOf, makeFolder } from '../support/transcripts.ts'

const { priceOf } = createGenaiPriceList()

const groupOf = ({ tokens, recordCount }: Usage): TruthGroup => ({
  tokens: Object.fromEntries(Object.entries(tokens).map(([kind, n]) => [kind, String(n)])) as TruthGroup['tokens'],
  recordCount: String(recordCount),
})
const sumsOf = (usage: UsageSums[]) => groupOf(usageOf(usage, priceOf))

const totalsOf = (groups: Record<string, TruthGroup>): Record<string, string> =>
  Object.fromEntries(Object.entries(groups).map(([value, { tokens }]) => [value, tokens.total]))

/** The analysis in the words of the truth. */
function told(analysis: Analysis, folder: string): Omit<Truth, 'seed' | 'files' | 'bytes' | 'pending'> {
  const [answer] = analysis.answer([
    { filter: {}, groupings: [['project'], ['branch'], ['sidechain'], [DAYS]], sessions: true },
  ])
  if (answer === undefined) throw new Error('no answer')
  const quality = analysis.quality()
  const iso = (time: number | undefined) => (time === undefined ? null : new Date(time).toISOString())
  const by = (dimension: GroupedDimension) =>
    Object.fromEntries(
      usageByValue(groupsOf(answer, [dimension]), priceOf).map((usage) => [usage.value, groupOf(usage)]),
    )
  return {
    ...sumsOf(answer.whole),
    sessionCount: answer.sessionCount ?? 0,
    duplicateLines: String(quality.duplicateLines),
    firstAt: iso(answer.firstAt),
    lastAt: iso(answer.lastAt),
    byDay: Object.fromEntries(
      [...timeSeries(groupsOf(answer, [DAYS]), DAYS, priceOf)].map((day) => [day.label, groupOf(day)]),
    ),
    byModel: Object.fromEntries(usageByModel(answer.whole, priceOf).map((usage) => [usage.model, groupOf(usage)])),
    byProject: by('project'),
    byBranch: by('branch'),
    bySidechain: by('sidechain'),
    bySession: Object.fromEntries((answer.sessions ?? []).map(({ id, usage }) => [id, sumsOf(usage)])),
    refused: Object.fromEntries(
      quality.refused.map(({ reason, count, places }) => [
        reason,
        { count: Number(count), places: places.map(({ path, offset }) => ({ file: relative(folder, path), offset })) },
      ]),
    ),
  }
}

function expected(truth: Truth, folder: string): ReturnType<typeof told> {
  const { seed: _seed, files: _files, bytes: _bytes, pending: _pending, refused, ...rest } = truth
  const inOrder = (a: { file: string; offset: number }, b: { file: string; offset: number }) =>
    Buffer.compare(Buffer.from(a.file), Buffer.from(b.file)) || a.offset - b.offset
  return {
    ...rest,
    refused: Object.fromEntries(
      Object.entries(refused).map(([reason, { count, places }]) => [
        reason,
        {
          count,
          places: places
            .map(({ file, offset }) => ({ file: relative(folder, file), offset }))
            .sort(inOrder)
            .slice(0, 100),
        },
      ]),
    ),
  }
}

describe('a generated corpus', () => {
  test.each([
    { seed: 1, files: 12, megabytes: 24, tokens: 2_768_012_012, threads: 2 },
    { seed: 2, files: 40, megabytes: 6, tokens: 12_345_678, threads: 0 },
    { seed: 3, files: 1, megabytes: 3, threads: 1 },
  ])('is counted to the last token, line and place: seed $seed', async ({ threads, ...options }) => {
    const folder = makeFolder()
    const truth = generateCorpus({ ...options, out: folder })
    if (options.tokens !== undefined) expect(truth.tokens.total).toBe(String(options.tokens))
    // whoever shares no code with the counter agrees
    expect(await recount(folder)).toEqual({
      tokens: truth.tokens,
      recordCount: truth.recordCount,
      byBranch: totalsOf(truth.byBranch),
      bySidechain: totalsOf(truth.bySidechain),
    })
    const analysis = analysisOf(folder, { threads, index: true })
    await analysis.refresh()
    expect(told(analysis, folder)).toEqual(expected(truth, folder))
    analysis.close()
    // and again from the index alone
    const again = analysisOf(folder, { threads, index: true })
    expect(told(again, folder)).toEqual(expected(truth, folder))
  })

  test('is the same for the same seed, and says no to a number of tokens that it cannot hit', () => {
    const [a, b, c] = [makeFolder(), makeFolder(), makeFolder()] as const
    const options = { files: 3, megabytes: 0.2, tokens: 1_000_000 }
    generateCorpus({ ...options, seed: 9, out: a })
    generateCorpus({ ...options, seed: 9, out: b })
    const read = (folder: string) => readFileSync(join(folder, 'truth.json'), 'utf8').replaceAll(folder, '')
    expect(read(a)).toBe(read(b))
    expect(() => generateCorpus({ ...options, tokens: 5, seed: 9, out: c })).toThrow('--tokens must be at least')
  })
})
