import { expect, test } from 'vitest'
import type { JournalEntry } from '../../../src/ports/journal.ts'
import { createIngest } from '../../../src/writing/ingest.ts'

test('nothing is accepted, and told so, while too much waits to be counted', async () => {
  const entries: JournalEntry[] = []
  let hasRoom = false
  const ingest = createIngest({
    journal: {
      async append(entry) {
        entries.push(entry)
        return { segment: 's', from: 0, to: 1 }
      },
    },
    whenStored: async () => true,
    hasRoom: () => hasRoom,
  })
  const tokens = { input: 1n, output: 1n, cacheCreation: 0n, cacheCreation1h: 0n, cacheRead: 0n }
  const record = { occurredAt: Date.UTC(2026, 3, 2), model: 'm', sessionId: 's', project: 'p', tokens }
  const send = () => ingest.submit({ caller: 'ann', idempotencyKey: 'k', records: [record] } as never)
  await expect(send()).rejects.toMatchObject({ code: 'OVERLOADED', retryable: true })
  expect(entries).toEqual([])
  hasRoom = true
  expect(await send()).toMatchObject({ accepted: 1, durability: 'STORED' })
})
