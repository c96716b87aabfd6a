// The line scanner: a streaming JSON validator in WebAssembly (AssemblyScript, SIMD).
//
// It reads transcript bytes in chunks, decides for every line whether it is valid JSON
// (RFC 8259, exactly what JSON.parse accepts), and writes a *projection* of each line
// that has a `usage` key on one of the two paths of counting rule 1: the line without the
// members that cannot matter. The projection is parsed by JSON.parse afterwards, so this
// file decides what is *skipped*, never what is counted; a key with an escape in it is
// always kept. Its memory does not depend on the length of a line.

/** Parser states: what the next byte may be. */
const VALUE: u32 = 0; // a value must begin
const ARRAY_FIRST: u32 = 1; // a value or ]
const OBJECT_FIRST: u32 = 2; // a key or }
const KEY: u32 = 3; // a key must begin
const COLON: u32 = 4;
const AFTER: u32 = 5; // a value ended: , or ] or } (or the end of the line at depth 0)
const STRING: u32 = 6;
const ESCAPE: u32 = 7;
const HEX: u32 = 8; // hexLeft digits of \uXXXX are missing
const NUMBER_MINUS: u32 = 9;
const NUMBER_ZERO: u32 = 10;
const NUMBER_INT: u32 = 11;
const NUMBER_DOT: u32 = 12;
const NUMBER_FRACTION: u32 = 13;
const NUMBER_E: u32 = 14;
const NUMBER_E_SIGN: u32 = 15;
const NUMBER_E_DIGITS: u32 = 16;
const LITERAL: u32 = 17; // true, false, null
const START: u32 = 18; // nothing but white space seen on this line
const BAD: u32 = 19; // not JSON: skip to the end of the line

/** What happens to the bytes that are read. */
const TRACK: u32 = 0; // inside a known object: look at each key
const KEEP: u32 = 1; // inside a value that is kept: copied as it is
const SKIP: u32 = 2; // inside a value that is dropped

/** The known objects. Depth of an object = number of objects it is nested in, plus one. */
const ROOT: u32 = 0;
const MESSAGE: u32 = 1; // message
const DATA: u32 = 2; // data
const DATA_MESSAGE: u32 = 3; // data.message
const DATA_MESSAGE_MESSAGE: u32 = 4; // data.message.message
const NONE: u32 = 5; // before the root object begins, or no known object

/** Results of a line, in the event list. */
const EVENT_RECORD: f64 = 0;
const EVENT_MALFORMED: f64 = 1;

/** Bits of the container stack: one bit a level, so 8 Mi levels. */
const STACK_BYTES: u32 = 1 << 20;
const MAX_DEPTH: u32 = STACK_BYTES * 8;
const IN_BYTES: u32 = 1 << 20;
/** Space behind the input that a 16-byte load may touch. */
const PADDING: u32 = 64;
const EVENTS_BYTES: u32 = 16 * 65536;

const STACK: usize = memory.data(16);
let stackBase: usize = 0;
let inBase: usize = 0;
let eventsBase: usize = 0;
let outBase: usize = 0;

let state: u32 = START;
let mode: u32 = SKIP;
let context: u32 = NONE;
let contextDepth: u32 = 0; // depth inside the known object
let depth: u32 = 0;
let child: u32 = NONE; // the known object that the key just read names
let isKey: bool = false; // the string being read is a key
let keyOut: usize = 0; // where that key began in the output
let keyEscaped: bool = false;
let hexLeft: u32 = 0;
let literal: u32 = 0; // bytes still expected, lowest first
let needComma: bool = false; // a member was already written to the current known object
let hasUsage: bool = false;
let out: usize = 0; // end of the output
let lineOut: usize = 0; // output at the start of the line: what a dropped line is cut back to
let copyFrom: usize = 0; // input not copied yet, or 0
let lineStart: f64 = 0; // byte offset of the line in the file
let position: f64 = 0; // byte offset in the file of the first byte of the chunk
let events: usize = 0;
let records: u32 = 0;

function align(x: usize): usize {
  return (x + 63) & ~(<usize>63);
}

/** Lays out the memory. Returns where the input goes. */
export function init(): usize {
  stackBase = align(STACK + 16);
  inBase = stackBase + STACK_BYTES;
  eventsBase = inBase + IN_BYTES + PADDING;
  outBase = eventsBase + EVENTS_BYTES;
  out = outBase;
  events = eventsBase;
  ensure(1 << 16);
  return inBase;
}

export function inputBytes(): u32 {
  return IN_BYTES;
}
export function eventsPointer(): usize {
  return eventsBase;
}
/** Number of events: pairs of f64 (kind, byte offset of the line). */
export function eventCount(): u32 {
  return <u32>((events - eventsBase) / 16);
}
/** The projections of the records since `clear`, as the inside of a JSON array. */
export function outputPointer(): usize {
  // a line that began before the last `clear` may have brought its comma along
  return lineOut > outBase && load<u8>(outBase) == 0x2c ? outBase + 1 : outBase;
}
export function outputEnd(): usize {
  return lineOut;
}
export function lineOffset(): f64 {
  return lineStart;
}
/** Begins a file (or goes on in one) at a byte offset that is the start of a line. */
export function begin(offset: f64): void {
  position = offset;
  out = outBase;
  lineOut = outBase;
  events = eventsBase;
  records = 0;
  beginLine(offset);
}

/** Drops the events and projections that were read; an unfinished line is kept. */
export function clear(): void {
  const unfinished = out - lineOut;
  if (unfinished > 0) memory.copy(outBase, lineOut, unfinished);
  if (keyOut >= lineOut) keyOut -= lineOut - outBase;
  out = outBase + unfinished;
  lineOut = outBase;
  events = eventsBase;
  records = 0;
}

/** Ends the last line of a file that has no line feed: 0 nothing there, 1 it was valid JSON, 2 it is unfinished or not JSON. */
export function finish(): u32 {
  if (state == START) return 0;
  endNumber();
  if (state != AFTER || depth != 0) return 2;
  endLine(position);
  return 1;
}

function beginLine(offset: f64): void {
  state = START;
  mode = SKIP;
  context = NONE;
  depth = 0;
  child = NONE;
  isKey = false;
  needComma = false;
  hasUsage = false;
  copyFrom = 0;
  lineStart = offset;
  out = lineOut;
}

function event(kind: f64): void {
  store<f64>(events, kind);
  store<f64>(events, lineStart, 8);
  events += 16;
}

function endLine(next: f64): void {
  if (state == START) {
    beginLine(next);
    return;
  }
  endNumber();
  if (state == AFTER && depth == 0) {
    if (hasUsage) {
      event(EVENT_RECORD);
      records++;
      lineOut = out;
    }
  } else {
    event(EVENT_MALFORMED);
  }
  beginLine(next);
}

/** A number has no end of its own: what follows it ends it. */
function endNumber(): void {
  if (
    state == NUMBER_ZERO ||
    state == NUMBER_INT ||
    state == NUMBER_FRACTION ||
    state == NUMBER_E_DIGITS
  ) {
    state = AFTER;
  }
}

function ensure(bytes: usize): void {
  const need = out + bytes + PADDING;
  const have = <usize>memory.size() << 16;
  if (need > have) memory.grow(<i32>((need - have + 0xffff) >>> 16) + 16);
}

function put(byte: u32): void {
  ensure(1);
  store<u8>(out++, byte);
}

/** Copies what is kept up to `p` into the output. */
function flush(p: usize): void {
  if (copyFrom == 0) return;
  const length = p - copyFrom;
  ensure(length);
  memory.copy(out, copyFrom, length);
  out += length;
  copyFrom = p;
}

@inline
function isArray(level: u32): bool {
  return ((<u32>load<u8>(stackBase + (level >>> 3)) >>> (level & 7)) & 1) != 0;
}

@inline
function push(array: bool): void {
  const at = stackBase + (depth >>> 3);
  const bit: u32 = 1 << (depth & 7);
  const old: u32 = load<u8>(at);
  store<u8>(at, <u8>(array ? old | bit : old & ~bit));
  depth++;
}

function parentOf(c: u32): u32 {
  if (c == MESSAGE || c == DATA) return ROOT;
  if (c == DATA_MESSAGE) return DATA;
  if (c == DATA_MESSAGE_MESSAGE) return DATA_MESSAGE;
  return NONE;
}

@inline
function equals8(at: usize, a: u64): bool {
  return load<u64>(at) == a;
}

/** The key in the output, with its quotes, was read: decides what becomes of its value. */
function decideKey(): void {
  const k = keyOut + 1;
  const length: u32 = <u32>(out - keyOut - 2);
  child = NONE;
  let keep = keyEscaped;
  if (keyEscaped) {
    hasUsage = true;
  } else if (context == MESSAGE || context == DATA_MESSAGE_MESSAGE) {
    if (length == 2) keep = load<u16>(k) == 0x6469; // id
    else if (length == 5) {
      if (load<u32>(k) == 0x67617375 && load<u8>(k, 4) == 0x65) {
        keep = true; // usage
        hasUsage = true;
      } else keep = load<u32>(k) == 0x65646f6d && load<u8>(k, 4) == 0x6c; // model
    }
  } else {
    // root, data and data.message
    if (length == 7 && load<u32>(k) == 0x7373656d && load<u32>(k, 3) == 0x65676173) {
      // message
      child = context == ROOT ? MESSAGE : context == DATA ? DATA_MESSAGE : DATA_MESSAGE_MESSAGE;
    } else if (context == ROOT && length == 4 && load<u32>(k) == 0x61746164) {
      child = DATA; // data
    } else if (context == ROOT || context == DATA_MESSAGE) {
      if (length == 4) keep = load<u32>(k) == 0x64697575; // uuid
      else if (length == 9)
        keep =
          (equals8(k, 0x6d617473656d6974) && load<u8>(k, 8) == 0x70) || // timestamp
          (equals8(k, 0x496e6f6973736573) && load<u8>(k, 8) == 0x64) || // sessionId
          (equals8(k, 0x4974736575716572) && load<u8>(k, 8) == 0x64); // requestId
      else if (length == 11)
        keep = equals8(k, 0x6863656469537369) && load<u32>(k, 7) == 0x6e696168; // isSidechain
    }
  }
  if (keep) {
    mode = KEEP;
  } else if (child == NONE) {
    out = keyOut;
    mode = SKIP;
    return;
  }
  if (needComma) {
    // the key was written without its comma: move it by one
    ensure(1);
    memory.copy(keyOut + 1, keyOut, out - keyOut);
    store<u8>(keyOut, 0x2c);
    out++;
  }
  needComma = true;
  put(0x3a);
}

/** A value ended whose last byte is before `p`. */
@inline
function endValue(p: usize): void {
  state = AFTER;
  if (mode != TRACK && context != NONE && depth == contextDepth) {
    if (mode == KEEP) {
      flush(p);
      copyFrom = 0;
    }
    mode = TRACK;
  }
}

/** A value begins at `p`: its first byte is `c`. */
@inline
function beginValue(c: u32, p: usize): void {
  if (mode == KEEP) {
    if (copyFrom == 0) copyFrom = p;
  } else if (mode == TRACK && child != NONE) {
    if (c == 0x7b) {
      // the known object that the key named
      ensure(1);
      store<u8>(out++, 0x7b);
      context = child;
      child = NONE;
      needComma = false;
      push(false);
      contextDepth = depth;
      state = OBJECT_FIRST;
      return;
    }
    put(0x30); // the member exists but is no object: 0 stands for it
    child = NONE;
    mode = SKIP;
  } else if (state == START && c == 0x7b) {
    if (records > 0) put(0x2c);
    put(0x7b);
    context = ROOT;
    mode = TRACK;
    needComma = false;
    push(false);
    contextDepth = depth;
    state = OBJECT_FIRST;
    return;
  }
  if (c == 0x22) {
    isKey = false;
    state = STRING;
  } else if (c == 0x7b || c == 0x5b) {
    if (depth >= MAX_DEPTH - 1) {
      state = BAD;
      return;
    }
    push(c == 0x5b);
    state = c == 0x5b ? ARRAY_FIRST : OBJECT_FIRST;
  } else if (c == 0x2d) state = NUMBER_MINUS;
  else if (c == 0x30) state = NUMBER_ZERO;
  else if (c - 0x31 < 9) state = NUMBER_INT;
  else if (c == 0x74) {
    literal = 0x657572;
    state = LITERAL;
  } else if (c == 0x66) {
    literal = 0x65736c61;
    state = LITERAL;
  } else if (c == 0x6e) {
    literal = 0x6c6c75;
    state = LITERAL;
  } else state = BAD;
}

@inline
function closeContainer(p: usize): void {
  depth--;
  if (mode == TRACK) {
    // the end of a known object
    put(0x7d);
    context = parentOf(context);
    contextDepth = depth; // known objects are nested directly in each other
    needComma = true;
    state = AFTER;
  } else endValue(p);
}

/**
 * From `p` on, the first byte that ends a string or needs a closer look: its quote, a control character, or
 * the backslash of an escape that is not one of two bytes. At most `end`. Sixteen bytes at a time; which of
 * them are escaped follows from additions that carry along runs of backslashes (as simdjson does it).
 */
@inline
function skipString(p: usize, end: usize): usize {
  const quote = i8x16.splat(0x22);
  const backslash = i8x16.splat(0x5c);
  const space = i8x16.splat(0x20);
  let carry: u32 = 0; // the first byte of the block is escaped
  while (p < end) {
    const v = v128.load(p);
    const inside: u32 = end - p >= 16 ? 0xffff : (1 << <u32>(end - p)) - 1;
    const quotes = <u32>i8x16.bitmask(i8x16.eq(v, quote));
    const controls = <u32>i8x16.bitmask(i8x16.lt_u(v, space));
    const slashes = <u32>i8x16.bitmask(i8x16.eq(v, backslash)) & inside;
    const starts = slashes & ~carry;
    const follows = (starts << 1) | carry;
    const oddStarts = starts & 0xaaaaaaaa & ~follows;
    const escaped = (0x55555555 ^ ((oddStarts + starts) << 1)) & follows;
    // an escape of more than two bytes, or none at all, is for the state machine
    const simple =
      <u32>i8x16.bitmask(
        v128.or(
          v128.or(
            v128.or(i8x16.eq(v, i8x16.splat(0x6e)), i8x16.eq(v, i8x16.splat(0x74))),
            v128.or(i8x16.eq(v, i8x16.splat(0x72)), i8x16.eq(v, i8x16.splat(0x2f))),
          ),
          v128.or(i8x16.eq(v, i8x16.splat(0x62)), i8x16.eq(v, i8x16.splat(0x66))),
        ),
      ) | quotes | slashes;
    // the escaped byte of the last backslash may be in the next chunk: then the bit is outside
    const closer = escaped & ~(simple & inside) & 0xffff;
    const hits = ((quotes & ~escaped) | controls) & inside;
    if ((hits | closer) == 0) {
      // matters only if this is a key, and is reset where one begins
      if (slashes != 0) keyEscaped = true;
      carry = (escaped >>> 16) & 1;
      p += 16;
      continue;
    }
    const atHit: u32 = hits != 0 ? ctz(hits) : 16;
    const atEscape: u32 = closer != 0 ? ctz(closer) : 17;
    if ((slashes & ((1 << min(atHit, atEscape)) - 1)) != 0) keyEscaped = true;
    // an escaped byte comes with its backslash, which stands before it
    return atEscape <= atHit ? p + atEscape - 1 : p + atHit;
  }
  // a block that was full ended with the backslash of the chunk's last byte
  return carry != 0 ? end - 1 : end;
}

@inline
function isHex(c: u32): bool {
  return c - 0x30 < 10 || (c | 0x20) - 0x61 < 6;
}

/** A key begins with the quote at `p`. */
@inline
function beginKey(p: usize): void {
  isKey = true;
  keyEscaped = false;
  if (mode == TRACK) {
    keyOut = out;
    copyFrom = p;
  }
  state = STRING;
}

/** Whether a byte stands behind a backslash for one character: any of `"\\/bfnrt`. */
@inline
function isSimpleEscape(c: u32): bool {
  return (
    c == 0x6e || c == 0x22 || c == 0x5c || c == 0x74 || c == 0x2f || c == 0x72 || c == 0x62 || c == 0x66
  );
}

@inline
function skipToLineFeed(p: usize, end: usize): usize {
  const lineFeed = i8x16.splat(0x0a);
  while (p < end) {
    const mask = i8x16.bitmask(i8x16.eq(v128.load(p), lineFeed));
    if (mask != 0) {
      p += ctz(mask);
      return p < end ? p : end;
    }
    p += 16;
  }
  return end;
}

/**
 * Reads `length` bytes of input. Returns how many it read: fewer when the event list is
 * full, so read the results, `clear`, and call again with the rest from `offset`.
 */
export function scan(offset: u32, length: u32): u32 {
  const start: usize = inBase + offset;
  const end: usize = start + length;
  const eventsEnd = eventsBase + EVENTS_BYTES;
  let p: usize = start;
  if (copyFrom != 0) copyFrom = p;
  while (p < end) {
    const c: u32 = load<u8>(p);
    if (c == 0x0a) {
      p++;
      endLine(position + <f64>(p - start));
      if (events == eventsEnd) break;
      continue;
    }
    switch (state) {
      case STRING: {
        p = skipString(p, end);
        if (p == end) break;
        const s: u32 = load<u8>(p);
        if (s == 0x22) {
          p++;
          if (isKey) {
            if (mode == TRACK) {
              flush(p);
              copyFrom = 0;
              decideKey();
            }
            // what nearly always follows, without another round
            if (p < end && load<u8>(p) == 0x3a) {
              p++;
              state = VALUE;
            } else state = COLON;
          } else endValue(p);
        } else if (s == 0x5c) {
          if (p + 5 < end && load<u8>(p, 1) == 0x75 && isHex(load<u8>(p, 2)) && isHex(load<u8>(p, 3)) && isHex(load<u8>(p, 4)) && isHex(load<u8>(p, 5))) {
            keyEscaped = true;
            p += 6;
          } else {
            p++;
            state = ESCAPE;
          }
        } else if (s != 0x0a) state = BAD;
        break;
      }
      case ESCAPE: {
        p++;
        keyEscaped = true;
        if (c == 0x75) {
          hexLeft = 4;
          state = HEX;
        } else state = isSimpleEscape(c) ? STRING : BAD;
        break;
      }
      case HEX: {
        p++;
        if (isHex(c)) {
          if (--hexLeft == 0) state = STRING;
        } else state = BAD;
        break;
      }
      case OBJECT_FIRST:
      case KEY: {
        if (c == 0x22) beginKey(p);
        else if (c == 0x7d && state == OBJECT_FIRST) closeContainer(p + 1);
        else if (c != 0x20 && c != 0x09 && c != 0x0d) state = BAD;
        p++;
        break;
      }
      case COLON: {
        if (c == 0x3a) state = VALUE;
        else if (c != 0x20 && c != 0x09 && c != 0x0d) state = BAD;
        p++;
        break;
      }
      case AFTER: {
        if (c == 0x2c && depth > 0) {
          if (isArray(depth - 1)) state = VALUE;
          else if (p + 1 < end && load<u8>(p, 1) == 0x22) beginKey(++p);
          else state = KEY;
        }
        else if (c == 0x7d && depth > 0 && !isArray(depth - 1)) closeContainer(p + 1);
        else if (c == 0x5d && depth > 0 && isArray(depth - 1)) closeContainer(p + 1);
        else if (c != 0x20 && c != 0x09 && c != 0x0d) state = BAD;
        p++;
        break;
      }
      case START:
      case VALUE:
      case ARRAY_FIRST: {
        if (c == 0x20 || c == 0x09 || c == 0x0d) {
          p++;
          break;
        }
        if (c == 0x5d && state == ARRAY_FIRST) closeContainer(p + 1);
        else beginValue(c, p);
        p++;
        break;
      }
      case LITERAL: {
        if (c != (literal & 0xff)) {
          state = BAD;
          break;
        }
        p++;
        literal >>>= 8;
        if (literal == 0) endValue(p);
        break;
      }
      case BAD: {
        p = skipToLineFeed(p, end);
        break;
      }
      default: {
        // a number
        const digit = c - 0x30 < 10;
        let next: u32 = BAD;
        if (state == NUMBER_MINUS) {
          if (digit) next = c == 0x30 ? NUMBER_ZERO : NUMBER_INT;
        } else if (state == NUMBER_DOT || state == NUMBER_FRACTION) {
          if (digit) next = NUMBER_FRACTION;
          else if (state == NUMBER_FRACTION) next = (c | 0x20) == 0x65 ? NUMBER_E : AFTER;
        } else if (state == NUMBER_E) {
          if (digit) next = NUMBER_E_DIGITS;
          else if (c == 0x2b || c == 0x2d) next = NUMBER_E_SIGN;
        } else if (state == NUMBER_E_SIGN || state == NUMBER_E_DIGITS) {
          if (digit) next = NUMBER_E_DIGITS;
          else if (state == NUMBER_E_DIGITS) next = AFTER;
        } else {
          // zero or the integer part
          if (digit && state == NUMBER_INT) next = NUMBER_INT;
          else if (c == 0x2e) next = NUMBER_DOT;
          else if ((c | 0x20) == 0x65) next = NUMBER_E;
          else if (!digit) next = AFTER;
        }
        if (next == AFTER) endValue(p); // c belongs to what follows
        else {
          state = next;
          p++;
        }
      }
    }
  }
  if (copyFrom != 0) flush(p);
  position += <f64>(p - start);
  return <u32>(p - start);
}
