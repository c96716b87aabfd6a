// Counts as people read them.

/** `1,234,567`. */
export const grouped = (value: bigint | number): string => value.toLocaleString('en-US')

/** `1 entry`, `2 entries`. */
export function count(n: number | bigint, noun: string): string {
  if (BigInt(n) === 1n) return `1 ${noun}`
  return `${grouped(n)} ${noun.endsWith('y') ? `${noun.slice(0, -1)}ies` : `${noun}s`}`
}
