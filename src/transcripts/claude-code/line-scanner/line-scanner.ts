import { readFileSync } from 'node:fs'
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads'

/** What the WebAssembly module exports; see `assembly/index.ts`. */
interface Exports {
  memory: WebAssembly.Memory
  init(maxProjectionBytes: number): number
  inputBytes(): number
  begin(offset: number): void
  scan(offset: number, length: number): number
  finish(): number
  clear(): void
  eventsPointer(): number
  eventCount(): number
  lineOffset(): number
}

/**
 * What a usual line says: each known member at most once, whole counts as plain digits, plain texts. Counts
 * that are absent or null are 0 where the rules say so. Texts are read when they are asked for, which must
 * happen before `onLine` returns.
 */
export interface UsualLine {
  /** Milliseconds since 1970. */
  readonly time: number
  readonly input: number
  readonly output: number
  readonly cacheRead: number
  readonly cacheCreationFlat: number
  readonly cacheCreation5m: number
  readonly cacheCreation1h: number
  readonly sidechain: boolean
  session(): string | undefined
  messageId(): string | undefined
  model(): string | undefined
  uuid(): string | undefined
  requestId(): string | undefined
  branch(): string | undefined
}

/**
 * One line that is of interest: a usual one with usage; another one with a `usage` key, as a projection; one
 * that is not JSON; or one without usage that may be a title, of which its place alone is told. `projection` is there
 * for a usual line, too: both say the same.
 */
export interface ScannedLine {
  offset: number
  kind: 'usual' | 'other' | 'malformed' | 'title'
  usual: UsualLine
  projection(): unknown
}

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

/** Values of an event, and where each is (`assembly/index.ts`). */
const EVENT_LENGTH = 20
const SLOT = {
  input: 4,
  output: 5,
  flat: 6,
  read: 7,
  cache5m: 8,
  cache1h: 9,
  time: 10,
  sidechain: 11,
  session: 12,
  messageId: 13,
  model: 14,
  uuid: 15,
  request: 16,
  branch: 17,
} as const
const KINDS = ['other', 'malformed', 'usual', 'title'] as const

const MODULE_PATH = new URL('./line-scanner.wasm', import.meta.url)
const MODULE_KEY = 'token-bridge line scanner'

/**
 * The compiled program, one for this thread and all that it starts from now on. V8 frees code whose last user is gone;
 * where threads came and went, freeing and compiling it at the same time has ended the process with `Check failed:
 * jit_page.has_value()` (nodejs/node#64500), so the thread that lives longest holds it.
 */
export function compileLineScanner(): WebAssembly.Module {
  const inherited = getEnvironmentData(MODULE_KEY)
  if (inherited instanceof WebAssembly.Module) return inherited
  const compiled = new WebAssembly.Module(readFileSync(MODULE_PATH))
  setEnvironmentData(MODULE_KEY, compiled as never)
  return compiled
}

/**
 * The largest projection of a line: below what a string can hold, also with three bytes for each byte that is no
 * UTF-8. Content of any size is not in it; a line whose model or ids alone are larger is not worth its memory.
 */
const MAX_PROJECTION_BYTES = 128 << 20

/** A line with usage whose projection would be larger than `maxProjectionBytes` is handed over as malformed. */
export function createLineScanner(maxProjectionBytes = MAX_PROJECTION_BYTES): LineScanner {
  const wasm = instantiate()
  const inputPointer = wasm.init(maxProjectionBytes)
  const inputBytes = wasm.inputBytes()
  const events = createEvents(wasm.memory)

  const drain = (onLine: (line: ScannedLine) => void): void => {
    const found = wasm.eventCount()
    if (found > 0) {
      events.renew()
      const first = wasm.eventsPointer() / 8
      for (let i = 0; i < found; i++) onLine(events.lineAt(first + i * EVENT_LENGTH))
    }
    wasm.clear()
  }

  return {
    // a view is good for one chunk: the memory may grow
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

const instantiate = (): Exports =>
  new WebAssembly.Instance(compileLineScanner(), {
    env: {
      abort() {
        throw new Error('the line scanner ran out of memory')
      },
    },
  }).exports as unknown as Exports

/** Reads the lines that the program has found out of its memory. */
interface Events {
  /** The memory may have grown, which makes views on it void. */
  renew(): void
  /** The line whose values begin at this place; good until the next one is asked for. */
  lineAt(place: number): ScannedLine
}

function createEvents(memory: WebAssembly.Memory): Events {
  let bytes = Buffer.from(memory.buffer)
  let values = new Float64Array(memory.buffer)
  let at = 0
  const text = (slot: number): string | undefined => {
    const packed = values[at + slot] as number
    if (packed < 0) return undefined
    const start = Math.floor(packed / 65536)
    return bytes.toString('latin1', start, start + (packed % 65536))
  }
  /** A text that most lines have in common with the line before: it is made once, and known to whoever looks it up. */
  const repeated = (slot: number): (() => string | undefined) => {
    let last = ''
    let lastBytes = Buffer.alloc(0)
    return () => {
      const packed = values[at + slot] as number
      if (packed < 0) return undefined
      const start = Math.floor(packed / 65536)
      const end = start + (packed % 65536)
      if (lastBytes.compare(bytes, start, end) !== 0) {
        lastBytes = Buffer.from(bytes.subarray(start, end))
        last = lastBytes.toString()
      }
      return last
    }
  }
  // one object for all lines: it is read at once
  const line: ScannedLine = {
    offset: 0,
    kind: 'usual',
    usual: usualLine((slot) => values[at + slot] as number, text, repeated),
    projection: () => JSON.parse(bytes.toString('utf8', values[at + 2], values[at + 3])) as unknown,
  }
  return {
    renew() {
      if (bytes.buffer === memory.buffer) return
      bytes = Buffer.from(memory.buffer)
      values = new Float64Array(memory.buffer)
    },
    lineAt(place) {
      at = place
      line.offset = values[at + 1] as number
      line.kind = KINDS[values[at] as number] as ScannedLine['kind']
      return line
    },
  }
}

/** Each value is read when it is asked for; `repeated` gives a reader of a text that lines share. Counts are negative where a line does not have them. */
function usualLine(
  value: (slot: number) => number,
  text: (slot: number) => string | undefined,
  repeated: (slot: number) => () => string | undefined,
): UsualLine {
  const count = (slot: number): number => Math.max(0, value(slot))
  return {
    get time() {
      return count(SLOT.time)
    },
    get input() {
      return count(SLOT.input)
    },
    get output() {
      return count(SLOT.output)
    },
    get cacheRead() {
      return count(SLOT.read)
    },
    get cacheCreationFlat() {
      return count(SLOT.flat)
    },
    get cacheCreation5m() {
      return count(SLOT.cache5m)
    },
    get cacheCreation1h() {
      return count(SLOT.cache1h)
    },
    get sidechain() {
      return value(SLOT.sidechain) === 1
    },
    session: repeated(SLOT.session),
    messageId: () => text(SLOT.messageId),
    model: repeated(SLOT.model),
    uuid: () => text(SLOT.uuid),
    requestId: () => text(SLOT.request),
    branch: repeated(SLOT.branch),
  }
}
