import { expect, onTestFinished, test } from 'vitest'
import { openAnalysis } from '../../../../src/enhanced-analysis/analysis.ts'
import { createAnalysisService } from '../../../../src/enhanced-analysis/service/analysis-service.ts'
import type { JournaledRange } from '../../../../src/enhanced-analysis/table/journal-update.ts'
import { until } from '../../../support/until.ts'

/** What it says of how far it has counted when it has these entries. */
async function watermarkAfter(...entries: [segment: string, to: number][]): Promise<string> {
  const service = createAnalysisService(
    { open: (how) => openAnalysis({ roots: [], scanThreads: 0, ...how }), rescanIntervalMs: 3_600_000 },
    { onStatus() {}, onBug: (error) => expect.unreachable(error.message), onEnd() {} },
  )
  onTestFinished(() => service.close())
  const ranges = entries.map(([segment, to]): JournaledRange => ({ segment, to, records: [] }))
  service.addJournaled(ranges)
  await until('all to be counted', () => (service.status().journaled === ranges.length ? true : undefined))
  return service.status().watermark
}

test('the watermark is the same for the same journal, in whatever order it came', async () => {
  const one = await watermarkAfter(['a', 100], ['a', 300], ['b', 200])
  expect(await watermarkAfter(['b', 200], ['a', 300])).toBe(one)
})

test('the watermark is another one for as much of another segment: instances share answers by it', async () => {
  expect(await watermarkAfter(['a', 100])).not.toBe(await watermarkAfter(['b', 100]))
})
