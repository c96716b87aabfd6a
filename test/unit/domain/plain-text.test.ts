import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isPlainText, toPlainText } from '../../../src/domain/plain-text.ts'

/** Ranges of what controls or cannot be seen, written down by hand: not by the pattern under test. */
const UNSEEN: [number, number][] = [
  ...[
    [0, 0x1f],
    [0x7f, 0x9f],
    [0xad, 0xad],
    [0x34f, 0x34f],
    [0x61c, 0x61c],
    [0x115f, 0x1160],
    [0x17b4, 0x17b5],
  ],
  ...[
    [0x180e, 0x180e],
    [0x200b, 0x200b],
    [0x200e, 0x200f],
    [0x2028, 0x202e],
    [0x2060, 0x206f],
    [0x3164, 0x3164],
  ],
  ...[
    [0xfeff, 0xfeff],
    [0xffa0, 0xffa0],
    [0xfff0, 0xfffb],
    [0x1bca0, 0x1bca3],
    [0x1d173, 0x1d17a],
  ],
  ...[
    [0xe0000, 0xe00ff],
    [0xe01f0, 0xe0fff],
  ],
] as [number, number][]
/** Joiners and selectors of variations: between two letters of ASCII they do nothing but hide. */
const NEEDED: [number, number][] = [
  ...[
    [0x180b, 0x180d],
    [0x180f, 0x180f],
    [0x200c, 0x200d],
    [0xfe00, 0xfe0f],
    [0xe0100, 0xe01ef],
  ],
] as [number, number][]
const isIn = (ranges: [number, number][], code: number): boolean =>
  ranges.some(([first, last]) => code >= first && code <= last)

describe('a plain text', () => {
  test('has none of the characters that control or cannot be seen, and every other one', () => {
    for (let code = 0; code <= 0x10ffff; code++) {
      const isSurrogate = code >= 0xd800 && code <= 0xdfff
      const isPlain = isPlainText(`a${String.fromCodePoint(code)}b`, 4)
      if (isPlain === (isSurrogate || isIn(UNSEEN, code) || isIn(NEEDED, code)))
        expect.fail(`U+${code.toString(16)} is ${isPlain ? '' : 'not '}taken`)
    }
  })

  test('has joiners and selectors where words and emoji are written with them, and not where they only hide', () => {
    const written = ['می‌خواهم', 'PDF‌ها', 'क्‍ष', '👩‍💻', '❤️', '👩‍❤️‍👨', '1️⃣', '葛\u{e0100}', 'ᠠ\u180b']
    for (const text of written) expect(isPlainText(text, 100), text).toBe(true)
    const hidden = [
      'ad\u200dmin',
      '\u200cя',
      'я\u200d',
      'я\u200d\u200cя',
      'admin\ufe0f',
      '\ufe0f',
      '❤\ufe0f\ufe0f',
      '1\ufe0f',
    ]
    for (const text of hidden) expect(isPlainText(text, 100), JSON.stringify(text)).toBe(false)
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
        fc.string({
          unit: fc.oneof(
            fc.nat(0xffff).map((unit) => String.fromCharCode(unit)),
            fc.constantFrom('a', '1', 'я', '\u200c', '\u200d', '\ufe0f', '\u20e3', '\u{e0100}', '\u{e0041}', '\0'),
          ),
          maxLength: 40,
        }),
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
