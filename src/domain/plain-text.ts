// What foreign text may hold: refused on the way in, shown as what it is on the way out. The one place that knows it.

/**
 * Characters that show nothing, or change how the others are shown: controls, those of writing direction, separators of
 * lines and paragraphs, and all that Unicode lets every font leave out (zero-width spaces, soft hyphens, fillers, tags).
 * Not among them are joiners and variation selectors, which words and emoji are written with: Persian and the scripts
 * of India need U+200C and U+200D, families and professions are joined by U+200D, and U+FE0F asks for a coloured heart.
 */
const HIDDEN = String.raw`[[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}\ufff9-\ufffb]--[\u200c\u200d\p{Variation_Selector}]]`

/**
 * Joiners and selectors where they do nothing but hide, so that two names look alike: at the beginning or the end,
 * several in a row, between two letters of ASCII. A selector does something behind digits, too: keycaps.
 */
const JOINERS = String.raw`[\u200c\u200d]`
const SELECTORS = String.raw`\p{Variation_Selector}`
const ASCII = String.raw`[\x00-\x7f]`
const MISPLACED = [
  `(?<=^|${JOINERS})${JOINERS}`,
  `${JOINERS}(?=$|${JOINERS}|${SELECTORS})`,
  `(?<=${ASCII})${JOINERS}(?=${ASCII})`,
  `(?<=^|${JOINERS}|${SELECTORS})${SELECTORS}`,
  String.raw`(?<=${ASCII})(?!(?<=[0-9#*])\ufe0f\u20e3)${SELECTORS}`,
].join('|')

const UNSEEN = new RegExp(`${HIDDEN}|${MISPLACED}`, 'v')
const ALL_UNSEEN = new RegExp(UNSEEN, 'gv')
/** Those of them that JSON leaves as they are. */
const UNSEEN_IN_JSON = new RegExp(String.raw`(?![\x00-\x1f])(?:${UNSEEN.source})`, 'gv')

/** Stands for what was taken out, as it does for bytes that are no text. */
const REPLACEMENT = '\ufffd'

/**
 * Whether a text that came in may be kept and shown as it is: well-formed, with nothing in it that controls or cannot be
 * seen, of at most `maxLength` UTF-16 units. The same rule for every way in; the texts of transcripts are foreign and
 * stay as they are.
 */
export function isPlainText(text: string, maxLength: number): boolean {
  return text.length <= maxLength && text.isWellFormed() && !UNSEEN.test(text)
}

/** The nearest text that `isPlainText` accepts: U+FFFD for what is not seen, and its end cut off. */
export function toPlainText(text: string, maxLength: number): string {
  // a pair that is cut in two leaves half of it behind
  const cut = text.slice(0, maxLength).toWellFormed()
  // never longer: a pair becomes one unit
  return cut.replace(ALL_UNSEEN, REPLACEMENT)
}

/** Foreign text, harmless on a terminal and one line: `\x1b`, `\u202e`, `\u{e0041}` in place of what would not be seen. */
export function visible(text: string): string {
  return text.replace(ALL_UNSEEN, (one) => {
    const code = one.codePointAt(0) as number
    if (code <= 0xff) return `\\x${hex(code, 2)}`
    return code <= 0xffff ? `\\u${hex(code, 4)}` : `\\u{${hex(code, 4)}}`
  })
}

/** Everything else in JSON is seen. */
const MAY_BE_UNSEEN_IN_JSON = /[\x7f-\uffff]/

/** Text of JSON, harmless on a terminal; it says exactly the same. */
export function visibleJson(json: string): string {
  if (!MAY_BE_UNSEEN_IN_JSON.test(json)) return json
  return json.replace(UNSEEN_IN_JSON, (one) =>
    Array.from({ length: one.length }, (_, i) => `\\u${hex(one.charCodeAt(i), 4)}`).join(''),
  )
}

const hex = (code: number, digits: number): string => code.toString(16).padStart(digits, '0')
