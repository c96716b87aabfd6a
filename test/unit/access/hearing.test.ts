import { expect, test } from 'vitest'
import { createUnheardSince } from '../../../src/access/hearing.ts'

const START = 1_000_000

/** What of it is heard, and when: everything is known by both ways until now, where nothing else is said. */
function scene(given: { journal?: number | undefined; database?: number | undefined; others?: boolean; at?: number }) {
  let now = START
  const { at = START, others = false } = given
  const unheardSince = createUnheardSince({
    ofJournal: () => ('journal' in given ? given.journal : at),
    ofDatabase: () => ('database' in given ? given.database : at),
    hasOtherJournals: () => others,
    now: () => now,
  })
  now = at
  return { usually: unheardSince(false), strictly: unheardSince(true) }
}

test.each<[string, Parameters<typeof scene>[0], ReturnType<typeof scene>]>([
  ['everything is heard', {}, { usually: undefined, strictly: undefined }],
  ['the journal is not read yet', { journal: undefined, at: START + 60_000 }, { usually: START, strictly: START }],
  ['the database was not asked yet', { database: undefined, at: START + 4000 }, { usually: START, strictly: START }],
  ['it does not answer', { database: undefined, at: START + 6000 }, { usually: undefined, strictly: START }],
  [
    'the folder of the journal cannot be read any more',
    { journal: START + 1, at: START + 9000 },
    { usually: undefined, strictly: START + 1 },
  ],
  [
    'the database is away, and others have journals of their own',
    { database: START + 2, others: true, at: START + 9000 },
    { usually: undefined, strictly: START + 2 },
  ],
  [
    'the database is away, and all share the journal',
    { database: START + 2, at: START + 9000 },
    { usually: undefined, strictly: undefined },
  ],
])('where %s, it is told since when revocations are not heard', (_, given, expected) => {
  expect(scene(given)).toEqual(expected)
})

test('without a server, the journal alone tells', () => {
  const unheardSince = createUnheardSince({
    ofJournal: () => START,
    ofDatabase: undefined,
    hasOtherJournals: () => false,
    now: () => START,
  })
  expect([unheardSince(false), unheardSince(true)]).toEqual([undefined, undefined])
})
