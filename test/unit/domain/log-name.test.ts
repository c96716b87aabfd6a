import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  formatEdition,
  formatLogName,
  isJournalKey,
  isJournalName,
  journalKey,
  parseEdition,
  parseLogName,
  segmentOf,
  transcriptKey,
} from '../../../src/domain/log-name.ts'

describe('the name of a log', () => {
  const keys = fc.oneof(
    fc.tuple(fc.nat(), fc.nat()).map(([dev, ino]) => transcriptKey({ dev, ino })),
    // a segment is named by its file, which another instance or a person may have named
    fc.string({ unit: 'binary' }).map(journalKey),
  )

  test('is read as it was written', () => {
    fc.assert(
      fc.property(fc.uuid(), keys, fc.nat(), (ledger, key, edition) => {
        expect(parseEdition(formatEdition({ key, edition }))).toEqual({ key, edition })
        const name = formatLogName({ ledger, key, edition })
        expect(parseLogName(name)).toEqual({ ledger, key, edition })
        expect(isJournalName(name)).toBe(isJournalKey(key))
        if (isJournalKey(key)) expect(journalKey(segmentOf(key))).toBe(key)
      }),
    )
  })

  test.each(['', 'log', 'ledger/', 'ledger/1:2', 'ledger/1:2#', 'ledger/1:2#x', '1:2#3'])('is not %j', (text) => {
    expect(parseLogName(text)).toBeUndefined()
  })
})
