// Counts as people read them.

/** Counts of 64 bits come from a server as texts. */
type Count = number | bigint | string

/** `1,234,567`; a text that is no count stays as it is. */
export function grouped(value: Count): string {
  if (typeof value !== 'string') return value.toLocaleString('en-US')
  return /^-?\d+$/.test(value) ? grouped(BigInt(value)) : value
}

/** `1 entry`, `2 entries`. */
export const count = (n: Count, noun: string): string => `${grouped(n)} ${String(n) === '1' ? noun : pluralOf(noun)}`

function pluralOf(noun: string): string {
  if (noun.endsWith('y')) return `${noun.slice(0, -1)}ies`
  return noun.endsWith('ch') ? `${noun}es` : `${noun}s`
}
