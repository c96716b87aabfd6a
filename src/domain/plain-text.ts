/**
 * What shows nothing and changes how the rest is shown or read: C0, DEL and C1 controls, the controls of writing
 * direction, and the separators of lines and paragraphs, which JavaScript and some logs take for the end of a line.
 */
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/
const CONTROLS = new RegExp(CONTROL, 'g')

/** Stands for what was taken out, as it does for bytes that are no text. */
const REPLACEMENT = '\ufffd'

/**
 * Whether a text that came in may be kept and shown as it is: well-formed, with nothing in it that controls, of at most
 * `maxLength` UTF-16 units. The same rule for every way in; the texts of transcripts are foreign and stay as they are.
 */
export function isPlainText(text: string, maxLength: number): boolean {
  return text.length <= maxLength && text.isWellFormed() && !CONTROL.test(text)
}

/** The nearest text that `isPlainText` accepts: U+FFFD for what controls, and its end cut off. */
export function toPlainText(text: string, maxLength: number): string {
  // a pair that is cut in two leaves half of it behind
  return text.slice(0, maxLength).toWellFormed().replace(CONTROLS, REPLACEMENT)
}
