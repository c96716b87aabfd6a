import { readFileSync } from 'node:fs'

/** What the WebAssembly module exports; see `assembly/index.ts`. */
interface Exports {
  memory: WebAssembly.Memory
  init(): number
  inputBytes(): number
  begin(offset: number): void
  scan(offset: number, length: number): number
  finish(): number
  clear(): void
  eventsPointer(): number
  eventCount(): number
  outputPointer(): number
  outputEnd(): number
  lineOffset(): number
}

/** One line that is of interest: a candidate with its projection, or a line that is not JSON. */
export type ScannedLine = { offset: number; projection: unknown } | { offset: number; malformed: true }

/** What stands behind the last line feed of a file. */
export type LastLine = 'none' | 'complete' | 'unfinished'

/**
 * Finds the lines of a transcript in chunks of bytes: those that may hold usage, as a parsed
 * projection (the line without what cannot matter), and those that are not JSON. One file at a time:
 * `begin`, then `push` until the end, then `finish`.
 */
export interface LineScanner {
  /** Where the next chunk goes; read into it, then `push`. Taken anew for each chunk. */
  input(): Uint8Array
  /** Starts a file, or goes on in one, at the offset of a line's first byte. */
  begin(offset: number): void
  /** Scans the first `length` bytes of `input`. */
  push(length: number, onLine: (line: ScannedLine) => void): void
  /** Ends the file: a last line without a line feed is handed to `onLine` if it is complete. */
  finish(onLine: (line: ScannedLine) => void): LastLine
  /** Offset of the line that is being read: everything before it was scanned to the end. */
  lineOffset(): number
}

const MODULE_PATH = new URL('./line-scanner.wasm', import.meta.url)
let compiled: WebAssembly.Module | undefined

export function createLineScanner(): LineScanner {
  compiled ??= new WebAssembly.Module(readFileSync(MODULE_PATH))
  const wasm = new WebAssembly.Instance(compiled, {
    env: {
      abort() {
        throw new Error('the line scanner ran out of memory')
      },
    },
  }).exports as unknown as Exports
  const inputPointer = wasm.init()
  const inputBytes = wasm.inputBytes()

  const drain = (onLine: (line: ScannedLine) => void): void => {
    const count = wasm.eventCount()
    if (count > 0) {
      const events = new Float64Array(wasm.memory.buffer, wasm.eventsPointer(), count * 2)
      const from = wasm.outputPointer()
      const text = Buffer.from(wasm.memory.buffer, from, wasm.outputEnd() - from).toString('utf8')
      const projections = JSON.parse(`[${text}]`) as unknown[]
      let record = 0
      for (let i = 0; i < events.length; i += 2) {
        const offset = events[i + 1] as number
        onLine(events[i] === 0 ? { offset, projection: projections[record++] } : { offset, malformed: true })
      }
    }
    wasm.clear()
  }

  return {
    // the memory may have grown: a view on it is good for one chunk
    input: () => new Uint8Array(wasm.memory.buffer, inputPointer, inputBytes),
    begin: (offset) => wasm.begin(offset),
    push(length, onLine) {
      for (let done = 0; done < length; ) {
        done += wasm.scan(done, length - done)
        drain(onLine)
      }
    },
    finish(onLine) {
      const last = wasm.finish()
      drain(onLine)
      return last === 0 ? 'none' : last === 1 ? 'complete' : 'unfinished'
    },
    lineOffset: () => wasm.lineOffset(),
  }
}
