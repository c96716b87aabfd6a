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
const USAGE: u32 = 5; // message.usage
const CACHE_CREATION: u32 = 6; // message.usage.cache_creation
const DATA_USAGE: u32 = 7; // data.message.message.usage
const DATA_CACHE_CREATION: u32 = 8;
const NONE: u32 = 9; // before the root object begins, or no known object

/** Kinds of lines in the event list. */
const EVENT_RECORD: f64 = 0;
const EVENT_MALFORMED: f64 = 1;
const EVENT_USUAL: f64 = 2;

/** An event is 20 f64: kind, byte offset of the line, start and end of its projection, then a value for each slot. */
const EVENT_BYTES: u32 = 160;
const FIRST_SLOT: u32 = 4;
/** Slots of an event: what a usual line says. -1 is absent. Texts are start * 2^16 + length. */
const INPUT: u32 = 4;
const OUTPUT: u32 = 5;
const FLAT: u32 = 6;
const READ: u32 = 7;
const CACHE_5M: u32 = 8;
const CACHE_1H: u32 = 9;
const TIME: u32 = 10;
const SIDECHAIN: u32 = 11;
const SESSION: u32 = 12;
const MESSAGE_ID: u32 = 13;
const MODEL: u32 = 14;
const UUID: u32 = 15;
const REQUEST: u32 = 16;
const NULL_ALONE: u32 = 17; // cache_creation that is no object: only null is usual
const EMPTY_ALONE: u32 = 18; // iterations: only an empty list is usual
const SLOTS_END: u32 = 19;
const NO_SLOT: u32 = 0;
/** A longer text is not usual. */
const MAX_TEXT: u32 = 1000;

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
let messages: u32 = 0; // members called message, usage and cache_creation so far: a byte each, lowest first
let needComma: bool = false; // a member was already written to the current known object
let hasUsage: bool = false;
let out: usize = 0; // end of the output
let lineOut: usize = 0; // output at the start of the line: what a dropped line is cut back to
let copyFrom: usize = 0; // input not copied yet, or 0
let lineStart: f64 = 0; // byte offset of the line in the file
let position: f64 = 0; // byte offset in the file of the first byte of the chunk
let events: usize = 0;

function align(x: usize): usize {
  return (x + 63) & ~(<usize>63);
}

/** Lays out the memory. Returns where the input goes. */
export function init(): usize {
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
  if (unfinished > 0) memory.copy(outBase, lineOut, unfinished);
  const moved = lineOut - outBase;
  if (keyOut >= lineOut) keyOut -= moved;
  if (valueOut >= lineOut) valueOut -= moved;
  for (let i = FIRST_SLOT; i < SLOTS_END; i++) {
    // texts of the unfinished line move along
    const at = events + i * 8;
    const value = load<f64>(at);
    if (i >= SESSION && i <= REQUEST && value >= 0) store<f64>(at, value - <f64>moved * 65536);
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
  usual = true;
  messages = 0;
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
    if (hasUsage) {
      usual = usual && load<f64>(events, INPUT * 8) >= 0 && load<f64>(events, OUTPUT * 8) >= 0 && load<f64>(events, TIME * 8) >= 0;
      event(usual ? EVENT_USUAL : EVENT_RECORD);
      // a usual line needs its texts, so its projection stays, too
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
  if (c == USAGE) return MESSAGE;
  if (c == CACHE_CREATION) return USAGE;
  if (c == DATA_USAGE) return DATA_MESSAGE_MESSAGE;
  if (c == DATA_CACHE_CREATION) return DATA_USAGE;
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
  slot = NO_SLOT;
  let keep = keyEscaped;
  if (keyEscaped) {
    hasUsage = true;
    usual = false;
  } else if (context == USAGE || context == DATA_USAGE) keep = decideUsageKey(k, length);
  else if (context == CACHE_CREATION || context == DATA_CACHE_CREATION) keep = decideCacheKey(k, length);
  else if (context == MESSAGE || context == DATA_MESSAGE_MESSAGE) keep = decideMessageKey(k, length);
  else keep = decideEnvelopeKey(k, length);
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

/** Keys of the root, of data and of data.message. */
function decideEnvelopeKey(k: usize, length: u32): bool {
  if (length == 7 && load<u32>(k) == 0x7373656d && load<u32>(k, 3) == 0x65676173) {
    // message
    if (context == ROOT) {
      if ((++messages & 0xff) > 1) usual = false;
      child = MESSAGE;
    } else child = context == DATA ? DATA_MESSAGE : DATA_MESSAGE_MESSAGE;
    return false;
  }
  if (context == ROOT && length == 4 && load<u32>(k) == 0x61746164) {
    child = DATA; // data
    return false;
  }
  if (context != ROOT && context != DATA_MESSAGE) return false;
  let found: u32 = NO_SLOT;
  if (length == 4) {
    if (load<u32>(k) == 0x64697575) found = UUID;
  } else if (length == 9) {
    if (equals8(k, 0x6d617473656d6974) && load<u8>(k, 8) == 0x70) found = TIME; // timestamp
    else if (equals8(k, 0x496e6f6973736573) && load<u8>(k, 8) == 0x64) found = SESSION; // sessionId
    else if (equals8(k, 0x4974736575716572) && load<u8>(k, 8) == 0x64) found = REQUEST; // requestId
  } else if (length == 11) {
    if (equals8(k, 0x6863656469537369) && load<u32>(k, 7) == 0x6e696168) found = SIDECHAIN; // isSidechain
  }
  if (found == NO_SLOT) return false;
  if (context == ROOT) slot = found;
  return true;
}

/** Keys of a message. */
function decideMessageKey(k: usize, length: u32): bool {
  if (length == 2 && load<u16>(k) == 0x6469) {
    if (context == MESSAGE) slot = MESSAGE_ID; // id
    return true;
  }
  if (length != 5) return false;
  if (load<u32>(k) == 0x67617375 && load<u8>(k, 4) == 0x65) {
    hasUsage = true; // usage
    if (context == MESSAGE) {
      messages += 0x100;
      if ((messages & 0xff00) >= 0x200) usual = false;
      child = USAGE;
    } else {
      usual = false;
      child = DATA_USAGE;
    }
    return false;
  }
  if (load<u32>(k) == 0x65646f6d && load<u8>(k, 4) == 0x6c) {
    if (context == MESSAGE) slot = MODEL; // model
    return true;
  }
  return false;
}

/** Keys of a usage. */
function decideUsageKey(k: usize, length: u32): bool {
  const own = context == USAGE;
  if (length == 12 && equals8(k, 0x6f745f7475706e69) && load<u32>(k, 8) == 0x736e656b) {
    if (own) slot = INPUT; // input_tokens
    return true;
  }
  if (length == 13 && equals8(k, 0x745f74757074756f) && equals8(k + 5, 0x736e656b6f745f74)) {
    if (own) slot = OUTPUT; // output_tokens
    return true;
  }
  if (length == 14 && equals8(k, 0x72635f6568636163) && equals8(k + 6, 0x6e6f697461657263)) {
    child = own ? CACHE_CREATION : DATA_CACHE_CREATION; // cache_creation
    messages += 0x10000;
    if (messages >= 0x20000) usual = false;
    slot = NULL_ALONE;
    return false;
  }
  if (length == 23 && equals8(k, 0x65725f6568636163) && equals8(k + 8, 0x7475706e695f6461) && equals8(k + 15, 0x736e656b6f745f74)) {
    if (own) slot = READ; // cache_read_input_tokens
    return true;
  }
  if (length == 27 && equals8(k, 0x72635f6568636163) && equals8(k + 8, 0x695f6e6f69746165) && equals8(k + 11, 0x75706e695f6e6f69) && equals8(k + 19, 0x736e656b6f745f74)) {
    if (own) slot = FLAT; // cache_creation_input_tokens
    return true;
  }
  if (length == 10 && equals8(k, 0x6f69746172657469) && load<u16>(k, 8) == 0x736e) {
    if (own) slot = EMPTY_ALONE; // iterations
    return true;
  }
  return false;
}

/** Keys of a cache_creation. */
function decideCacheKey(k: usize, length: u32): bool {
  // ephemeral_5m_input_tokens, ephemeral_1h_input_tokens
  if (length != 25 || !equals8(k, 0x6172656d65687065) || !equals8(k + 12, 0x745f7475706e695f) || !equals8(k + 17, 0x736e656b6f745f74)) return false;
  const which = load<u32>(k, 8); // "l_5m" or "l_1h"
  if (which == 0x6d355f6c) {
    if (context == CACHE_CREATION) slot = CACHE_5M;
    return true;
  }
  if (which == 0x68315f6c) {
    if (context == CACHE_CREATION) slot = CACHE_1H;
    return true;
  }
  return false;
}

/** The value of a slot was copied to the output: takes it over if it is usual. */
function capture(): void {
  const at = events + slot * 8;
  const length: u32 = <u32>(out - valueOut);
  const first: u32 = load<u8>(valueOut);
  if (load<f64>(at) != -1) usual = false; // it stands twice
  else if (slot >= SESSION && slot <= REQUEST) {
    if (first == 0x22) {
      if (length > MAX_TEXT || keyEscaped || !isAscii(valueOut, out)) usual = false;
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

function isAscii(from: usize, to: usize): bool {
  for (let p = from; p < to; p++) if (load<u8>(p) >= 0x80) return false;
  return true;
}

/** Digits alone, or -1. */
function parseDigits(from: usize, to: usize): f64 {
  let value: u64 = 0;
  for (let p = from; p < to; p++) {
    const digit: u32 = <u32>load<u8>(p) - 0x30;
    if (digit > 9) return -1;
    value = value * 10 + digit;
  }
  return <f64>value;
}

/** `YYYY-MM-DDTHH:MM:SS.mmmZ` of the years 1970 to 2261 as milliseconds, or -1. Days after the 28th are left to the slow way. */
function parseTime(p: usize): f64 {
  if (load<u8>(p, 4) != 0x2d || load<u8>(p, 7) != 0x2d || load<u8>(p, 10) != 0x54 || load<u8>(p, 13) != 0x3a) return -1;
  if (load<u8>(p, 16) != 0x3a || load<u8>(p, 19) != 0x2e || load<u8>(p, 23) != 0x5a) return -1;
  const year = <i32>parseDigits(p, p + 4);
  const month = <i32>parseDigits(p + 5, p + 7);
  const day = <i32>parseDigits(p + 8, p + 10);
  const hour = <i32>parseDigits(p + 11, p + 13);
  const minute = <i32>parseDigits(p + 14, p + 16);
  const second = <i32>parseDigits(p + 17, p + 19);
  const millisecond = <i32>parseDigits(p + 20, p + 23);
  if (year < 1970 || year > 2261 || month < 1 || month > 12 || day < 1 || day > 28) return -1;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 || millisecond < 0) return -1;
  // days since 1970, by months that begin in March (a common way to count them)
  const y = month <= 2 ? year - 1 : year;
  const m = month <= 2 ? month + 9 : month - 3;
  const days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
  return <f64>days * 86400000 + <f64>(hour * 3600 + minute * 60 + second) * 1000 + <f64>millisecond;
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
      if (context != USAGE) slot = NO_SLOT;
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
