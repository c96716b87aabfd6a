import type { TranscriptFile, TranscriptReader, TranscriptSink } from '../format.ts'
import { countLine, countUsual, type LineContext } from './counting.ts'
import { createLineScanner, type LineScanner, type ScannedLine } from './line-scanner/line-scanner.ts'
import { MAX_TITLE_LINE_BYTES, readTitle } from './titles.ts'

/** Finds lines by the line scanner and counts them by the rules. */
export function createReader(scanner: LineScanner = createLineScanner()): TranscriptReader {
  let file: TranscriptFile
  let sink: TranscriptSink
  // one object for all lines: it is read at once
  const context: LineContext = {
    get naming() {
      return file.naming
    },
    offset: 0,
    lineHash: () => file.lineHash(context.offset),
  }
  const onTitle = (offset: number): void => {
    const title = readTitle(file.line(offset, MAX_TITLE_LINE_BYTES), file.naming)
    if (title !== undefined) sink.title(title)
  }
  const onLine = (line: ScannedLine): void => {
    context.offset = line.offset
    if (line.kind === 'usual') countUsual(line.usual, context, sink)
    else if (line.kind === 'other') countLine(line.projection(), context, sink)
    else if (line.kind === 'title') onTitle(line.offset)
    else sink.refuse('malformed_json', line.offset)
  }
  return {
    begin(offset, ofFile, into) {
      file = ofFile
      sink = into
      scanner.begin(offset)
    },
    input: scanner.input,
    push: (length) => scanner.push(length, onLine),
    finish: () => void scanner.finish(onLine),
    lineOffset: scanner.lineOffset,
  }
}
