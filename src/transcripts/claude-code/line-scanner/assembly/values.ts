// Reads single values at a place in memory.

export function isAscii(from: usize, to: usize): bool {
  for (let p = from; p < to; p++) if (load<u8>(p) >= 0x80) return false;
  return true;
}

/** Digits alone, or -1. */
export function parseDigits(from: usize, to: usize): f64 {
  let value: u64 = 0;
  for (let p = from; p < to; p++) {
    const digit: u32 = <u32>load<u8>(p) - 0x30;
    if (digit > 9) return -1;
    value = value * 10 + digit;
  }
  return <f64>value;
}

/** `YYYY-MM-DDTHH:MM:SS.mmmZ` of the years 1970 to 2261 as milliseconds, or -1. Days after the 28th are left to the slow way. */
export function parseTime(p: usize): f64 {
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

@inline
export function isHex(c: u32): bool {
  return c - 0x30 < 10 || (c | 0x20) - 0x61 < 6;
}

/** Whether a byte stands behind a backslash for one character: any of `"\\/bfnrt`. */
@inline
export function isSimpleEscape(c: u32): bool {
  return (
    c == 0x6e || c == 0x22 || c == 0x5c || c == 0x74 || c == 0x2f || c == 0x72 || c == 0x62 || c == 0x66
  );
}

@inline
export function equals8(at: usize, a: u64): bool {
  return load<u64>(at) == a;
}
