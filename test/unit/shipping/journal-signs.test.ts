import { expect, test } from 'vitest'
import type { JournalSign } from '../../../src/ports/journal-table.ts'
import { othersAmong } from '../../../src/shipping/journal-signs.ts'

const NOW = 1_000_000
const sign = (ageMs: number, more: Partial<JournalSign> = {}): JournalSign => ({
  journal: 'j',
  instance: `of ${ageMs}`,
  beat: NOW - ageMs,
  pending: false,
  ended: false,
  ...more,
})
const pendingOf = (...signs: JournalSign[]) => othersAmong(signs, NOW).pending.map(({ beat }) => NOW - beat)

test.each<[what: string, signs: JournalSign[], pending: number[]]>([
  ['nobody', [], []],
  ['one that lives and has published everything', [sign(100)], []],
  ['one that lives and has something', [sign(100, { pending: true })], [100]],
  ['one that is silent, whatever it said', [sign(2000)], [2000]],
  ['one that ended with everything published', [sign(9000, { ended: true })], []],
  ['one that ended with something', [sign(9000, { ended: true, pending: true })], [9000]],
  ['two journals, one of them silent', [sign(100, { journal: 'k' }), sign(3000)], [3000]],
  ['one that is gone, and one that shares its journal and speaks for it', [sign(100), sign(2100)], []],
  ['the same, where what it wrote last may not be read yet', [sign(100), sign(2099)], [2099]],
  ['the same, where the one that lives has something', [sign(100, { pending: true }), sign(9000)], [100]],
  [
    'one that ended with something, and one that shares its journal',
    [sign(9, {}), sign(9000, { ended: true, pending: true })],
    [],
  ],
  ['two that are gone with one journal', [sign(3000), sign(9000)], [3000, 9000]],
])('of %s', (_what, signs, pending) => {
  expect(pendingOf(...signs)).toEqual(pending)
})

test('whoever ended with everything published is known, and not there', () => {
  const { present, known } = othersAmong([sign(100, { ended: true })], NOW)
  expect({ present, known }).toEqual({ present: false, known: true })
  expect(othersAmong([sign(100, { ended: true, pending: true })], NOW).present).toBe(true)
  expect(othersAmong([sign(9000)], NOW).present).toBe(true)
  expect(othersAmong([], NOW)).toEqual({ present: false, known: false, pending: [] })
})
