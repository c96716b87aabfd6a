import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Analysis } from '../../src/enhanced-analysis/analysis.ts'
import { type OpenJournal, openJournal } from '../../src/journal/journal.ts'
import { loadJournalKey } from '../../src/journal/key-file.ts'
import { createIngest, type Ingest } from '../../src/writing/ingest.ts'
import { recordsOf } from '../../src/writing/journaled-copies.ts'
import { analysisOf, makeFolder, wholeOf } from '../support/transcripts.ts'

interface World {
  ingest: Ingest
  journal: OpenJournal
  analysis: Analysis
}

/** The way in, as a process has it: everything that is known comes from the journal. */
async function open(folder: string): Promise<World> {
  const analysis = analysisOf(folder)
  const ingest = createIngest({ journal: { append: (entry) => journal.append(entry) }, whenStored: async () => false })
  const journal = openJournal({
    folder: join(folder, 'journal'),
    key: loadJournalKey(folder, join(folder, 'journal')),
    instance: '0123456789ab',
    headsPath: join(folder, 'journal-heads'),
    followIntervalMs: 60_000,
    listener: {
      unreadable() {},
      entry(entry, { segment, from, to }) {
        if (entry.kind !== 'ingest') return
        ingest.remember(entry, { segment, from, to })
        analysis.addJournaled({ segment, to, records: recordsOf(entry, segment, from) })
      },
    },
  })
  await journal.whenRead()
  return { ingest, journal, analysis }
}

const anyRecord = fc.record({
  messageId: fc.constantFrom(undefined, 'msg_1', 'msg_2', 'msg_3'),
  output: fc.integer({ min: 0, max: 9 }),
})
const anyCall = fc.record({
  key: fc.constantFrom(undefined, 'k1', 'k2', 'k3'),
  caller: fc.constantFrom('ann', 'bob'),
  records: fc.array(anyRecord, { minLength: 1, maxLength: 4 }),
  /** Sent again, as after an answer that was lost. */
  repeats: fc.integer({ min: 0, max: 2 }),
  restart: fc.boolean(),
})

describe('what is acknowledged', () => {
  test('is counted once, of whoever was first, whatever is sent again, in whichever order, over restarts', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyCall, { maxLength: 8 }), async (calls) => {
        const folder = makeFolder()
        let world = await open(folder)
        /** Whoever was first owns a message: the largest that they sent counts. */
        const byMessage = new Map<string, { owner: string; output: number }>()
        const byKey = new Map<string, string>()
        let others = 0
        let otherRecords = 0
        for (const { key, caller, records, repeats, restart } of calls) {
          const submission = {
            caller,
            idempotencyKey: key,
            records: records.map(({ messageId, output }) => ({
              sessionId: 's',
              project: 'p',
              model: 'm',
              occurredAt: 0,
              tokens: { input: 0n, output: BigInt(output) },
              messageId: messageId ?? null,
            })),
          }
          // without a key, a call that is sent again is another call
          for (let time = 0; time <= (key === undefined ? 0 : repeats); time++) {
            const result = await world.ingest.submit(submission).catch((error: { code: string }) => error.code)
            const name = `${caller} ${key}`
            const content = JSON.stringify(records)
            const known = key === undefined ? undefined : byKey.get(name)
            if (known !== undefined && known !== content) {
              expect(result).toBe('IDEMPOTENCY_CONFLICT')
              continue
            }
            expect(result).toMatchObject({ accepted: records.length, replayed: known !== undefined })
            if (known !== undefined) continue
            byKey.set(name, content)
            for (const { messageId, output } of records) {
              if (messageId !== undefined) {
                const { owner, output: most } = byMessage.get(messageId) ?? { owner: caller, output }
                byMessage.set(messageId, { owner, output: owner === caller ? Math.max(most, output) : most })
              } else {
                others += output
                otherRecords++
              }
            }
          }
          if (restart) {
            await world.journal.close()
            world = await open(folder)
          }
        }
        expect(wholeOf(world.analysis)).toMatchObject({
          output: [...byMessage.values()].reduce((sum, { output }) => sum + output, others),
          records: byMessage.size + otherRecords,
        })
        await world.journal.close()
      }),
      { numRuns: 60 },
    )
  })
})
