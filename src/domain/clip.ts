/** Of what is kept, this share stands before the cut: the beginning says more than the end. */
const HEAD = 0.6

/** A text of at most `maxLength` characters, whose middle is cut out where it is longer: what is echoed is never long. */
export function clip(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text
  const head = Math.floor((maxLength - 1) * HEAD)
  const tail = maxLength - 1 - head
  // a pair that is cut in two leaves half of it behind
  return `${text.slice(0, head)}…${text.slice(-tail)}`.toWellFormed()
}
