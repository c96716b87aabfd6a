import { LIMITS } from './limits.ts'

const MAX_LENGTH = LIMITS.nameLength.value

/**
 * A git branch as it is counted (rule 6): well-formed, and its end cut off behind the last whole character of the first
 * 200 UTF-16 units.
 */
export function clipBranch(text: string): string {
  const whole = text.toWellFormed()
  if (whole.length <= MAX_LENGTH) return whole
  const end = isHighSurrogate(whole.charCodeAt(MAX_LENGTH - 1)) ? MAX_LENGTH - 1 : MAX_LENGTH
  // a copy: a slice would keep all of a text of any size in memory
  return Buffer.from(whole.slice(0, end)).toString()
}

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff
