import type { TranscriptFormat, TranscriptReader } from './format.ts'
import { FORMATS } from './formats.ts'

/** Whatever says in which format a transcript is; absent: in the first one. */
export interface Formatted {
  format?: string | undefined
}

export function formatOf({ format }: Formatted): TranscriptFormat {
  if (format === undefined) return FORMATS[0]
  const found = FORMATS.find(({ name }) => name === format)
  if (found === undefined) throw new Error(`there is no format of transcripts ${format}`)
  return found
}

/** To be called before threads are started. */
export function prepareFormats(): void {
  for (const format of FORMATS) format.prepare?.()
}

/** The readers of one thread, one a format. */
export function createReaders(): (of: Formatted) => TranscriptReader {
  const readers = new Map<TranscriptFormat, TranscriptReader>()
  return (of) => {
    const format = formatOf(of)
    const reader = readers.get(format) ?? format.createReader()
    readers.set(format, reader)
    return reader
  }
}
