import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compareUtf8 } from '../../../src/domain/compare-utf8.ts'

test('texts are in the order of their UTF-8 bytes', () => {
  const anyText = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(fc.constantFrom('a', '\ufffd', '\uffff', '😀', '\ue000', '\ud7ff', '😁')).map((units) => units.join('')),
  )
  fc.assert(
    fc.property(anyText, anyText, (a, b) => {
      expect(Math.sign(compareUtf8(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)))
    }),
    { numRuns: 1000, examples: [['😀', '\ufffd']] },
  )
})
