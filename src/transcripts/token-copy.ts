import type { OwnText } from '../domain/record-fields.ts'
import type { CountField } from '../domain/token-counts.ts'

/** One occurrence of a token record in a transcript, as one line of it says. Counts are whole numbers, 0 to 10^12. */
export interface TokenCopy extends Record<CountField, number>, Record<OwnText, string> {
  identity: string
  /** Milliseconds since 1970. */
  time: number
  /** Byte offset of the line. */
  offset: number
  /** All counts together. */
  total: number
  sidechain: boolean
}
