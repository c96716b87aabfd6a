// The numbers by which the line scanner remembers where it is, and hands over what it found.

/** Parser states: what the next byte may be. */
export const VALUE: u32 = 0; // a value must begin
export const ARRAY_FIRST: u32 = 1; // a value or ]
export const OBJECT_FIRST: u32 = 2; // a key or }
export const KEY: u32 = 3; // a key must begin
export const COLON: u32 = 4;
export const AFTER: u32 = 5; // a value ended: , or ] or } (or the end of the line at depth 0)
export const STRING: u32 = 6;
export const ESCAPE: u32 = 7;
export const HEX: u32 = 8; // hexLeft digits of \uXXXX are missing
export const NUMBER_MINUS: u32 = 9;
export const NUMBER_ZERO: u32 = 10;
export const NUMBER_INT: u32 = 11;
export const NUMBER_DOT: u32 = 12;
export const NUMBER_FRACTION: u32 = 13;
export const NUMBER_E: u32 = 14;
export const NUMBER_E_SIGN: u32 = 15;
export const NUMBER_E_DIGITS: u32 = 16;
export const LITERAL: u32 = 17; // true, false, null
export const START: u32 = 18; // nothing but white space seen on this line
export const BAD: u32 = 19; // not JSON: skip to the end of the line

/** What happens to the bytes that are read. */
export const TRACK: u32 = 0; // inside a known object: look at each key
export const KEEP: u32 = 1; // inside a value that is kept: copied as it is
export const SKIP: u32 = 2; // inside a value that is dropped

/** The known objects. Depth of an object = number of objects it is nested in, plus one. */
export const ROOT: u32 = 0;
export const MESSAGE: u32 = 1; // message
export const DATA: u32 = 2; // data
export const DATA_MESSAGE: u32 = 3; // data.message
export const DATA_MESSAGE_MESSAGE: u32 = 4; // data.message.message
export const USAGE: u32 = 5; // message.usage
export const CACHE_CREATION: u32 = 6; // message.usage.cache_creation
export const DATA_USAGE: u32 = 7; // data.message.message.usage
export const DATA_CACHE_CREATION: u32 = 8;
export const NONE: u32 = 9; // before the root object begins, or no known object

/** Kinds of lines in the event list. */
export const EVENT_RECORD: f64 = 0;
export const EVENT_MALFORMED: f64 = 1;
export const EVENT_USUAL: f64 = 2;
export const EVENT_TITLE: f64 = 3;

/** An event is 20 f64: kind, byte offset of the line, start and end of its projection, then a value for each slot. */
export const EVENT_BYTES: u32 = 160;
export const FIRST_SLOT: u32 = 4;
/** Slots of an event: what a usual line says. -1 is absent. Texts are start * 2^16 + length. */
export const INPUT: u32 = 4;
export const OUTPUT: u32 = 5;
export const FLAT: u32 = 6;
export const READ: u32 = 7;
export const CACHE_5M: u32 = 8;
export const CACHE_1H: u32 = 9;
export const TIME: u32 = 10;
export const SIDECHAIN: u32 = 11;
export const SESSION: u32 = 12;
export const MESSAGE_ID: u32 = 13;
export const MODEL: u32 = 14;
export const UUID: u32 = 15;
export const REQUEST: u32 = 16;
export const BRANCH: u32 = 17; // the last of the texts
export const NULL_ALONE: u32 = 18; // cache_creation that is no object: only null is usual
export const EMPTY_ALONE: u32 = 19; // iterations: only an empty list is usual
export const SLOTS_END: u32 = 20;
export const NO_SLOT: u32 = 0;
/** A longer text is not usual. */
export const MAX_TEXT: u32 = 1000;
