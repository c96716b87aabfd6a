// The members that count (rules 1 to 7), by the object that they stand in: what becomes of their values.
import {
  BRANCH,
  CACHE_1H,
  CACHE_5M,
  CACHE_CREATION,
  DATA,
  DATA_CACHE_CREATION,
  DATA_MESSAGE,
  DATA_MESSAGE_MESSAGE,
  DATA_USAGE,
  EMPTY_ALONE,
  FLAT,
  INPUT,
  MESSAGE,
  MESSAGE_ID,
  MODEL,
  NONE,
  NO_SLOT,
  NULL_ALONE,
  OUTPUT,
  READ,
  REQUEST,
  ROOT,
  SESSION,
  SIDECHAIN,
  TIME,
  USAGE,
  UUID,
} from './constants';
import { equals8 } from './values';

/** A member is a slot, a known object, whether its value is kept and whether it is of a title, packed: 8, 8, 1 and 1 bits. */
const KEPT: u32 = 1 << 16;
const TITLE: u32 = 1 << 17;
const DROPPED: u32 = NO_SLOT | (NONE << 8);

export function slotOf(member: u32): u32 {
  return member & 0xff;
}
export function childOf(member: u32): u32 {
  return (member >>> 8) & 0xff;
}
export function isKept(member: u32): bool {
  return (member & KEPT) != 0;
}

export function isTitle(member: u32): bool {
  return (member & TITLE) != 0;
}

/** A value that is kept, and goes to the slot if it stands in the line's own message. */
function kept(slot: u32, own: bool): u32 {
  return KEPT | (NONE << 8) | (own ? slot : NO_SLOT);
}

/** A known object; whatever else stands there is dropped, or goes to the slot. */
function object(child: u32, slot: u32 = NO_SLOT): u32 {
  return (child << 8) | slot;
}

/** The member with the key of `length` bytes at `k`, in the object `context`. */
export function lookUpKey(context: u32, k: usize, length: u32): u32 {
  if (context == USAGE || context == DATA_USAGE) return usageKey(context == USAGE, k, length);
  if (context == CACHE_CREATION || context == DATA_CACHE_CREATION) return splitKey(context == CACHE_CREATION, k, length);
  if (context == MESSAGE || context == DATA_MESSAGE_MESSAGE) return messageKey(context == MESSAGE, k, length);
  return envelopeKey(context, k, length);
}

/** Of the root, of data and of data.message. */
function envelopeKey(context: u32, k: usize, length: u32): u32 {
  if (length == 7 && load<u32>(k) == 0x7373656d && load<u32>(k, 3) == 0x65676173) {
    // message
    return object(context == ROOT ? MESSAGE : context == DATA ? DATA_MESSAGE : DATA_MESSAGE_MESSAGE);
  }
  if (context == ROOT && length == 4 && load<u32>(k) == 0x61746164) return object(DATA); // data
  if (context != ROOT && context != DATA_MESSAGE) return DROPPED;
  const own = context == ROOT;
  if (own && isTitleKey(k, length)) return DROPPED | TITLE;
  if (length == 4) {
    if (load<u32>(k) == 0x64697575) return kept(UUID, own); // uuid
  } else if (length == 9) {
    if (equals8(k, 0x6d617473656d6974) && load<u8>(k, 8) == 0x70) return kept(TIME, own); // timestamp
    if (equals8(k, 0x496e6f6973736573) && load<u8>(k, 8) == 0x64) return kept(SESSION, own); // sessionId
    if (equals8(k, 0x4974736575716572) && load<u8>(k, 8) == 0x64) return kept(REQUEST, own); // requestId
    if (own && equals8(k, 0x636e617242746967) && load<u8>(k, 8) == 0x68) return kept(BRANCH, own); // gitBranch
  } else if (length == 11) {
    if (equals8(k, 0x6863656469537369) && load<u32>(k, 7) == 0x6e696168) return kept(SIDECHAIN, own); // isSidechain
  }
  return DROPPED;
}

/** Whatever it says is dropped: that it is there is enough to read the line again (titles.ts). */
@inline
function isTitleKey(k: usize, length: u32): bool {
  if (length == 7) {
    const first = load<u32>(k);
    const last = load<u32>(k, 3);
    return (first == 0x6d6d7573 && last == 0x7972616d) || (first == 0x69546961 && last == 0x656c7469); // summary, aiTitle
  }
  return length == 11 && equals8(k, 0x69546d6f74737563) && load<u32>(k, 7) == 0x656c7469; // customTitle
}

function messageKey(own: bool, k: usize, length: u32): u32 {
  if (length == 2 && load<u16>(k) == 0x6469) return kept(MESSAGE_ID, own); // id
  if (length == 5 && load<u32>(k) == 0x67617375 && load<u8>(k, 4) == 0x65) return object(own ? USAGE : DATA_USAGE); // usage
  if (length == 5 && load<u32>(k) == 0x65646f6d && load<u8>(k, 4) == 0x6c) return kept(MODEL, own); // model
  return DROPPED;
}

function usageKey(own: bool, k: usize, length: u32): u32 {
  if (length == 12 && equals8(k, 0x6f745f7475706e69) && load<u32>(k, 8) == 0x736e656b) {
    return kept(INPUT, own); // input_tokens
  }
  if (length == 13 && equals8(k, 0x745f74757074756f) && equals8(k + 5, 0x736e656b6f745f74)) {
    return kept(OUTPUT, own); // output_tokens
  }
  if (length == 14 && equals8(k, 0x72635f6568636163) && equals8(k + 6, 0x6e6f697461657263)) {
    return object(own ? CACHE_CREATION : DATA_CACHE_CREATION, own ? NULL_ALONE : NO_SLOT); // cache_creation
  }
  if (length == 23 && equals8(k, 0x65725f6568636163) && equals8(k + 8, 0x7475706e695f6461) && equals8(k + 15, 0x736e656b6f745f74)) {
    return kept(READ, own); // cache_read_input_tokens
  }
  if (length == 27 && equals8(k, 0x72635f6568636163) && equals8(k + 8, 0x695f6e6f69746165) && equals8(k + 11, 0x75706e695f6e6f69) && equals8(k + 19, 0x736e656b6f745f74)) {
    return kept(FLAT, own); // cache_creation_input_tokens
  }
  if (length == 10 && equals8(k, 0x6f69746172657469) && load<u16>(k, 8) == 0x736e) {
    return kept(EMPTY_ALONE, own); // iterations
  }
  return DROPPED;
}

/** Of a cache_creation: ephemeral_5m_input_tokens and ephemeral_1h_input_tokens. */
function splitKey(own: bool, k: usize, length: u32): u32 {
  if (length != 25 || !equals8(k, 0x6172656d65687065) || !equals8(k + 12, 0x745f7475706e695f) || !equals8(k + 17, 0x736e656b6f745f74)) {
    return DROPPED;
  }
  const which = load<u32>(k, 8); // l_5m or l_1h
  if (which == 0x6d355f6c) return kept(CACHE_5M, own);
  if (which == 0x68315f6c) return kept(CACHE_1H, own);
  return DROPPED;
}
