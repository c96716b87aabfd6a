// The line scanner: a streaming JSON validator in WebAssembly (AssemblyScript, SIMD).
//
// It reads transcript bytes in chunks, decides for every line whether it is valid JSON
// (RFC 8259, exactly what JSON.parse accepts), and writes a *projection* of each line
// that has a `usage` key on one of the two paths of counting rule 1: the line without the
// members that cannot matter. The projection is parsed by JSON.parse afterwards, so this
// file decides what is *skipped*, never what is counted; a key with an escape in it is
// always kept. Its memory does not depend on the length of a line.
//
// Nearly all lines are *usual*: each known member at most once, whole counts as plain digits, plain
// ASCII texts, a timestamp in the usual form. Their values are handed over as they are read, without
// JSON.parse; a property test holds both ways against each other. All others go by their projection.
//
// A line without usage that has a member of a title is told by its place alone: it is never counted.

import {
  AFTER,
  ARRAY_FIRST,
  BAD,
  BRANCH,
  CACHE_CREATION,
  COLON,
  DATA,
  DATA_CACHE_CREATION,
  DATA_MESSAGE,
  DATA_MESSAGE_MESSAGE,
  DATA_USAGE,
  EMPTY_ALONE,
  ESCAPE,
  EVENT_BYTES,
  EVENT_MALFORMED,
  EVENT_RECORD,
  EVENT_TITLE,
  EVENT_USUAL,
  FIRST_SLOT,
  FLAT,
  HEX,
  INPUT,
  KEEP,
  KEY,
  LITERAL,
  MAX_TEXT,
  MESSAGE,
  NONE,
  NO_SLOT,
  NULL_ALONE,
  NUMBER_DOT,
  NUMBER_E,
  NUMBER_E_DIGITS,
  NUMBER_E_SIGN,
  NUMBER_FRACTION,
  NUMBER_INT,
  NUMBER_MINUS,
  NUMBER_ZERO,
  OBJECT_FIRST,
  OUTPUT,
  ROOT,
  SESSION,
  SIDECHAIN,
  SKIP,
  SLOTS_END,
  START,
  STRING,
  TIME,
  TRACK,
  USAGE,
  VALUE,
} from './constants';
import { childOf, isKept, isTitle, lookUpKey, slotOf } from './keys';
import { isAscii, isHex, isSimpleEscape, parseDigits, parseTime } from './values';

/** Bits of the container stack: one bit a level, so 8 Mi levels. */
const STACK_BYTES: u32 = 1 << 20;
const MAX_DEPTH: u32 = STACK_BYTES * 8;
const IN_BYTES: u32 = 1 << 20;
/** Space behind the input that a 16-byte load may touch. */
const PADDING: u32 = 64;
const EVENTS_BYTES: u32 = EVENT_BYTES * 4096;

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
let slot: u32 = NO_SLOT; // where the value of the key just read goes
let valueOut: usize = 0; // where that value begins in the output
let usual: bool = true;
let messages: u32 = 0; // members called message so far, and usage, and cache_creation
let usages: u32 = 0;
let splits: u32 = 0;
let needComma: bool = false; // a member was already written to the current known object
let hasUsage: bool = false;
let titled: bool = false; // a member of a title stands in the root
let maxProjection: usize = 0; // bytes of a projection; what would be longer is dropped
let tooLong: bool = false; // the projection of this line was dropped
let out: usize = 0; // end of the output
let lineOut: usize = 0; // output at the start of the line: what a dropped line is cut back to
let copyFrom: usize = 0; // input not copied yet, or 0
let lineStart: f64 = 0; // byte offset of the line in the file
let position: f64 = 0; // byte offset in the file of the first byte of the chunk
let events: usize = 0;

function align(x: usize): usize {
  return (x + 63) & ~(<usize>63);
}

/** Lays out the memory for projections of up to `maxBytes`. Returns where the input goes. */
export function init(maxBytes: u32): usize {
  maxProjection = maxBytes;
  stackBase = align(STACK + 16);
  inBase = stackBase + STACK_BYTES;
  eventsBase = inBase + IN_BYTES + PADDING;
  // one more event than is handed over at a time: that of the line being read
  outBase = eventsBase + EVENTS_BYTES + EVENT_BYTES;
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
/** Number of events. */
export function eventCount(): u32 {
  return <u32>((events - eventsBase) / EVENT_BYTES);
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
  beginLine(offset);
}

/** Drops the events and projections that were read; an unfinished line is kept. */
export function clear(): void {
  const unfinished = out - lineOut;
  if (unfinished > 0 && lineOut != outBase) memory.copy(outBase, lineOut, unfinished);
  const moved = lineOut - outBase;
  if (keyOut >= lineOut) keyOut -= moved;
  if (valueOut >= lineOut) valueOut -= moved;
  for (let i = FIRST_SLOT; i < SLOTS_END; i++) {
    // texts of the unfinished line move along
    const at = events + i * 8;
    const value = load<f64>(at);
    if (i >= SESSION && i <= BRANCH && value >= 0) store<f64>(at, value - <f64>moved * 65536);
  }
  out = outBase + unfinished;
  lineOut = outBase;
  // the slots of the unfinished line go to the front
  if (events != eventsBase) memory.copy(eventsBase, events, EVENT_BYTES);
  events = eventsBase;
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
  titled = false;
  tooLong = false;
  usual = true;
  messages = 0;
  usages = 0;
  splits = 0;
  slot = NO_SLOT;
  copyFrom = 0;
  lineStart = offset;
  out = lineOut;
  for (let i = FIRST_SLOT; i < SLOTS_END; i++) store<f64>(events + i * 8, -1);
}

function event(kind: f64): void {
  store<f64>(events, kind);
  store<f64>(events, lineStart, 8);
  store<f64>(events, <f64>lineOut, 16);
  store<f64>(events, <f64>out, 24);
  events += EVENT_BYTES;
}

function endLine(next: f64): void {
  if (state == START) {
    beginLine(next);
    return;
  }
  endNumber();
  if (state == AFTER && depth == 0) {
    if (hasUsage && tooLong) event(EVENT_MALFORMED);
    else if (hasUsage) {
      usual = usual && load<f64>(events, INPUT * 8) >= 0 && load<f64>(events, OUTPUT * 8) >= 0 && load<f64>(events, TIME * 8) >= 0;
      event(usual ? EVENT_USUAL : EVENT_RECORD);
      // a usual line needs its texts, so its projection stays, too
      lineOut = out;
    } else if (titled) event(EVENT_TITLE);
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
  if (out - lineOut + length > maxProjection) {
    // the rest of the line is read for whether it has usage and is JSON: without, it is not of interest
    tooLong = true;
    usual = false;
    out = lineOut;
    keyOut = lineOut;
    valueOut = lineOut;
    copyFrom = 0;
    return;
  }
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
  if (c == USAGE) return MESSAGE;
  if (c == CACHE_CREATION) return USAGE;
  if (c == DATA_USAGE) return DATA_MESSAGE_MESSAGE;
  if (c == DATA_CACHE_CREATION) return DATA_USAGE;
  if (c == MESSAGE || c == DATA) return ROOT;
  if (c == DATA_MESSAGE) return DATA;
  if (c == DATA_MESSAGE_MESSAGE) return DATA_MESSAGE;
  return NONE;
}

/** The key in the output, with its quotes, was read: decides what becomes of its value. */
function decideKey(): void {
  child = NONE;
  slot = NO_SLOT;
  let keep = keyEscaped;
  if (keyEscaped) {
    hasUsage = true;
    usual = false;
  } else {
    const found = lookUpKey(context, keyOut + 1, <u32>(out - keyOut - 2));
    slot = slotOf(found);
    child = childOf(found);
    keep = isKept(found);
    if (isTitle(found)) titled = true;
    noteChild();
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
  valueOut = out;
}

/** A line with usage is of interest; one with a known object that stands twice, or elsewhere, is not usual. */
function noteChild(): void {
  if (child == MESSAGE) messages++;
  else if (child == CACHE_CREATION) splits++;
  else if (child == USAGE) {
    usages++;
    hasUsage = true;
  } else if (child == DATA_USAGE) {
    usual = false;
    hasUsage = true;
  } else return;
  if (messages > 1 || usages > 1 || splits > 1) usual = false;
}

/** The value of a slot was copied to the output: takes it over if it is usual. */
function capture(): void {
  const at = events + slot * 8;
  const length: u32 = <u32>(out - valueOut);
  const first: u32 = load<u8>(valueOut);
  if (load<f64>(at) != -1) usual = false; // it stands twice
  else if (slot >= SESSION && slot <= BRANCH) {
    if (first == 0x22) {
      // people name branches in their own script
      if (length > MAX_TEXT || keyEscaped || (slot != BRANCH && !isAscii(valueOut, out))) usual = false;
      else if (length > 2) store<f64>(at, <f64>(valueOut + 1) * 65536 + <f64>(length - 2));
      else if (slot == SESSION) usual = false; // an empty session is a wrong one
      else store<f64>(at, -2); // empty is as absent, but it stood there
    } else if (first == 0x6e) store<f64>(at, -2);
    else usual = false;
  } else if (slot == TIME) {
    const time = first == 0x22 && length == 26 ? parseTime(valueOut + 1) : -1;
    if (time < 0) usual = false;
    else store<f64>(at, time);
  } else if (slot == SIDECHAIN) store<f64>(at, first == 0x74 ? 1 : 0);
  else if (slot == NULL_ALONE) {
    if (first != 0x6e) usual = false;
  } else if (slot == EMPTY_ALONE) {
    if (length != 2 || first != 0x5b) usual = false;
  } else if (first == 0x6e && slot >= FLAT) store<f64>(at, 0);
  else {
    const value = length <= 15 ? parseDigits(valueOut, out) : -1;
    if (value < 0) usual = false;
    else store<f64>(at, value);
  }
  slot = NO_SLOT;
}

/** A value ended whose last byte is before `p`. */
@inline
function endValue(p: usize): void {
  state = AFTER;
  if (mode != TRACK && context != NONE && depth == contextDepth) {
    if (mode == KEEP) {
      flush(p);
      copyFrom = 0;
      if (slot != NO_SLOT) capture();
    }
    mode = TRACK;
  }
}

/** A value begins at `p`: its first byte is `c`. */
function beginValue(c: u32, p: usize): void {
  if (mode == KEEP) {
    if (copyFrom == 0) {
      copyFrom = p;
      keyEscaped = false; // from here on: something in the value is escaped
    }
  } else if (mode == TRACK && child != NONE) {
    if (c == 0x7b) {
      // the known object that the key named
      ensure(1);
      store<u8>(out++, 0x7b);
      context = child;
      child = NONE;
      slot = NO_SLOT;
      needComma = false;
      push(false);
      contextDepth = depth;
      state = OBJECT_FIRST;
      return;
    }
    if (child == CACHE_CREATION || child == DATA_CACHE_CREATION) {
      // what it is decides whether the counts are valid
      child = NONE;
      mode = KEEP;
      beginValue(c, p);
      return;
    }
    put(0x30); // the member exists but is no object: 0 stands for it
    child = NONE;
    mode = SKIP;
  } else if (state == START && c == 0x7b) {
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
