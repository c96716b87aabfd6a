import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeFileUpdate } from '../../../../src/enhanced-analysis/table/file-update.ts'
import { anyCopy, copy, encode } from '../../../support/file-updates.ts'

describe('a file update', () => {
  test('is read as it was written', () => {
    fc.assert(
      fc.property(fc.array(anyCopy, { maxLength: 20 }), fc.integer({ min: 1e12 - 5, max: 1e12 }), (copies, large) => {
        const list = copies.map((one, i) => copy({ ...one, cacheRead: i % 3 === 0 ? large : 0, time: large * (i % 2) }))
        const { header, records } = decodeFileUpdate(encode('p/a.jsonl', list, { path: '/größe' }))
        expect(header.path).toBe('/größe')
        expect(Array.from(records.cacheRead)).toEqual(list.map(({ cacheRead }) => cacheRead))
        expect(Array.from(records.time)).toEqual(list.map(({ time }) => time))
        expect(Array.from(records.session, (n) => header.texts.session[n])).toEqual(list.map(({ session }) => session))
        expect(Array.from(records.sidechain, (n) => n === 1)).toEqual(list.map(({ sidechain }) => sidechain))
      }),
    )
  })
})
