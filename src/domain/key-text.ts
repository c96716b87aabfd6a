/** How a key may be written; base64 also in its form for URLs, and without the `=` at its end. */
const FORMS = [
  { form: /^[0-9a-f]{64}$/i, encoding: 'hex' },
  { form: /^[\w+/-]{43}=?$/, encoding: 'base64' },
] as const

/** How whoever wrote it otherwise is told. */
export const KEY_FORM = '32 bytes, as base64 or hexadecimal'

/** The 32 bytes of a key; `undefined` where the text is no such key. */
export function parseKey(text: string): Buffer | undefined {
  const encoding = FORMS.find(({ form }) => form.test(text))?.encoding
  return encoding === undefined ? undefined : Buffer.from(text, encoding)
}

/** Several keys, with commas or white space between them; `undefined` where one of them is none. */
export function parseKeys(text: string): Buffer[] | undefined {
  const keys = text
    .trim()
    .split(/\s*,\s*|\s+/)
    .map(parseKey)
  return keys.every((key) => key !== undefined) ? keys : undefined
}
