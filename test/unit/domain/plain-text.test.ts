import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isPlainText, toPlainText } from '../../../src/domain/plain-text.ts'

/** Every code unit that controls, by its own definition: not by the pattern under test. */
const controls = (unit: number): boolean =>
  unit < 0x20 ||
  (unit >= 0x7f && unit <= 0x9f) ||
  [0x61c, 0x200e, 0x200f, 0x2028, 0x2029].includes(unit) ||
  (unit >= 0x202a && unit <= 0x202e) ||
  (unit >= 0x2066 && unit <= 0x2069)

describe('a plain text', () => {
  test('has none of the characters that control, and every other one', () => {
    for (let unit = 0; unit <= 0xffff; unit++) {
      const text = `a${String.fromCharCode(unit)}b`
      const isSurrogate = unit >= 0xd800 && unit <= 0xdfff
      expect(isPlainText(text, 3), `U+${unit.toString(16)}`).toBe(!controls(unit) && !isSurrogate)
    }
  })

  test('may have letters of any script, pairs of surrogates and quotes', () => {
    for (const text of ['', 'plain', '日本語', 'עברית', '😀 👩‍👩‍👧', `'"\\N\`{}`])
      expect(isPlainText(text, 100), text).toBe(true)
    for (const text of ['\ud800', 'a\udc00', '\udc00\ud800']) expect(isPlainText(text, 100)).toBe(false)
  })

  test('is no longer than it may be', () => {
    expect(isPlainText('x'.repeat(200), 200)).toBe(true)
    expect(isPlainText('x'.repeat(201), 200)).toBe(false)
  })

  test('any text is made plain, and a plain one stays as it is', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)), maxLength: 40 }),
        fc.nat(30),
        (text, maxLength) => {
          expect(isPlainText(toPlainText(text, maxLength), maxLength)).toBe(true)
          if (isPlainText(text, maxLength)) expect(toPlainText(text, maxLength)).toBe(text)
        },
      ),
    )
    expect(toPlainText('a\x7fb\u202ec\ud800d', 100)).toBe('a\ufffdb\ufffdc\ufffdd')
    expect(toPlainText('ab😀', 3)).toBe('ab\ufffd')
  })
})
