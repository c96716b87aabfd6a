import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { SegmentExtent } from '../../../src/ports/journal.ts'
import type { LogState } from '../../../src/ports/logs.ts'
import { journalLosses } from '../../../src/shipping/losses.ts'

const extent = (more: Partial<SegmentExtent>): SegmentExtent => ({
  segment: 's',
  readTo: 100,
  records: 10,
  unreadable: [],
  acknowledgedTo: 100,
  acknowledgedRecords: 10,
  ...more,
})
const edition = (publishedTo: number, more: Partial<LogState> = {}): LogState => ({
  key: 'journal:s',
  edition: 0,
  path: '',
  relativePath: '',
  fingerprint: { counted: 0, sha256: '' },
  publishedTo,
  ...more,
})
const losses = (extents: SegmentExtent[], ...editions: LogState[]) => journalLosses(extents, editions)

describe('what is lost of the journal', () => {
  test.each([
    ['nothing, where all can be read', [extent({})], [], [0, 0]],
    ['nothing, where another instance wrote more than is known of', [extent({ acknowledgedTo: 50 })], [], [0, 0]],
    ['what a cut took', [extent({ readTo: 60, records: 6 })], [], [4, 4]],
    ['what is damaged', [extent({ unreadable: [[10, 20]], records: 9 })], [], [1, 1]],
    [
      'what is damaged and was published: from the files alone',
      [extent({ unreadable: [[10, 20]], records: 9 })],
      [edition(100)],
      [1, 0],
    ],
    ['a segment that is gone and was published', [], [edition(100, { records: 7 })], [7, 0]],
    ['a segment that is gone and was published in part', [extent({ readTo: 0, records: 0 })], [edition(50)], [10, 5]],
    [
      'what was damaged before it was published',
      [extent({ unreadable: [[10, 20]], records: 9 })],
      [edition(100, { unreadable: [[10, 20]] })],
      [1, 1],
    ],
    [
      'what one edition has and the next one lacks',
      [extent({ unreadable: [[10, 20]], records: 9 })],
      [edition(100), edition(100, { edition: 1, unreadable: [[10, 20]] })],
      [1, 0],
    ],
    ['damage beyond what anybody counted', [extent({ unreadable: [[10, 20]], acknowledgedTo: 15 })], [], [1, 1]],
    ['nothing, where what is damaged had no records', [extent({ unreadable: [[10, 20]] })], [], [0, 0]],
    ['nothing, where what a cut took had no records', [extent({ readTo: 60 })], [], [0, 0]],
    [
      'nothing, where a segment is gone that had no records',
      [extent({ readTo: 0, records: 0, acknowledgedRecords: 0 })],
      [],
      [0, 0],
    ],
    ['nothing, where such a one was published, and is known by that alone', [], [edition(100, { records: 0 })], [0, 0]],
    [
      'damage that was there when it was published, and is known by that alone',
      [extent({ unreadable: [[10, 20]], records: 9, acknowledgedTo: 0, acknowledgedRecords: 0 })],
      [edition(100, { records: 9, unreadable: [[10, 20]] })],
      [1, 1],
    ],
  ] as [string, SegmentExtent[], LogState[], [number, number]][])(
    'is %s',
    (_what, extents, editions, [inFiles, everywhere]) => {
      expect(losses(extents, ...editions)).toEqual({ inFiles, everywhere })
    },
  )

  test('is something wherever a byte can be read nowhere, and nothing elsewhere', () => {
    const range = fc
      .tuple(fc.nat(99), fc.integer({ min: 1, max: 20 }))
      .map(([from, n]): [number, number] => [from, Math.min(100, from + n)])
    const ranges = fc.array(range, { maxLength: 4 })
    const anyEdition = fc
      .tuple(fc.integer({ min: 1, max: 100 }), ranges)
      .map(([to, unreadable]) => edition(to, { unreadable }))
    fc.assert(
      fc.property(fc.nat(100), ranges, fc.array(anyEdition, { maxLength: 3 }), (readTo, unreadable, editions) => {
        const onDisk = extent({ readTo, unreadable: unreadable.filter(([, to]) => to <= readTo), records: 0 })
        const isIn = (byte: number, list: readonly (readonly [number, number])[]) =>
          list.some(([from, to]) => byte >= from && byte < to)
        const lost = Array.from({ length: 100 }, (_, byte) => byte).filter(
          (byte) => byte >= readTo || isIn(byte, onDisk.unreadable),
        )
        const nowhere = lost.filter(
          (byte) => !editions.some((e) => byte < e.publishedTo && !isIn(byte, e.unreadable ?? [])),
        )
        const found = losses([onDisk], ...editions)
        expect(found.inFiles > 0).toBe(lost.length > 0)
        expect(found.everywhere > 0).toBe(nowhere.length > 0)
        expect(found.everywhere).toBeLessThanOrEqual(found.inFiles)
      }),
    )
  })
})
