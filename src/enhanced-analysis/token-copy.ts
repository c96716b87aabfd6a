/** One occurrence of a token record in a transcript, as one line of it says. Counts are whole numbers, 0 to 10^12. */
export interface TokenCopy {
  identity: string
  /** Milliseconds since 1970. */
  time: number
  /** Byte offset of the line. */
  offset: number
  /** All five counts together. */
  total: number
  input: number
  output: number
  cacheRead: number
  cacheCreation5m: number
  cacheCreation1h: number
  sidechain: boolean
  model: string
  session: string
}
