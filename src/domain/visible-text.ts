/**
 * Characters that a terminal acts on instead of showing them: controls (C0, DEL, C1), those that turn the direction of
 * text around, and the line and paragraph separators.
 */
const UNSEEN = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu
/** Those of them that JSON leaves as they are. */
const UNSEEN_IN_JSON = /[\u007f-\u009f\p{Bidi_Control}\u2028\u2029]/gu

const hex = (character: string, digits: number): string =>
  (character.codePointAt(0) as number).toString(16).padStart(digits, '0')

/** Foreign text, harmless on a terminal and one line: `\x1b`, `\u202e` in place of what would not be shown. */
export function visible(text: string): string {
  return text.replace(UNSEEN, (one) => (one <= '\xff' ? `\\x${hex(one, 2)}` : `\\u${hex(one, 4)}`))
}

/** Text of JSON, harmless on a terminal; it says exactly the same. */
export function visibleJson(json: string): string {
  return json.replace(UNSEEN_IN_JSON, (one) => `\\u${hex(one, 4)}`)
}
