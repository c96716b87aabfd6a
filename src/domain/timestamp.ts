/** First and one past the last millisecond that a timestamp may have: the years 1970 to 2261, in UTC (rule 4). */
export const MIN_TIME = 0
export const END_TIME = Date.UTC(2262, 0, 1)

const RFC_3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))$/

/**
 * Reads an RFC 3339 timestamp, with any fraction and any offset, as milliseconds since 1970 (rule 4).
 * What is finer than a millisecond is cut off. Returns `undefined` for anything else: a date alone, a
 * number, the 30th of February, a year outside 1970 to 2261.
 */
export function parseTimestamp(text: unknown): number | undefined {
  if (typeof text !== 'string') return undefined
  const usual = parseUsualForm(text)
  if (usual !== undefined) return usual
  const match = RFC_3339.exec(text)
  if (match === null) return undefined
  const year = Number(match[1])
  const month = Number(match[2])
  const day = Number(match[3])
  const hour = Number(match[4])
  const minute = Number(match[5])
  const second = Number(match[6])
  // 60 is a leap second: it is counted as the first of the next minute
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return undefined
  if (hour > 23 || minute > 59 || second > 60) return undefined
  const offset = offsetMinutes(match[8], match[9], match[10])
  if (offset === undefined) return undefined
  const millisecond = match[7] === undefined ? 0 : Number(match[7].slice(0, 3).padEnd(3, '0'))
  const time = Date.UTC(year, month - 1, day, hour, minute, second, millisecond) - offset * 60_000
  return year >= 100 && time >= MIN_TIME && time < END_TIME ? time : undefined
}

/** `2026-04-02T09:15:03.120Z`, as nearly all are: three times as fast as the expression. Else `undefined`. */
function parseUsualForm(text: string): number | undefined {
  if (text.length !== 24) return undefined
  if (text[4] !== '-' || text[7] !== '-' || text[10] !== 'T' || text[13] !== ':' || text[16] !== ':') return undefined
  if (text[19] !== '.' || text[23] !== 'Z') return undefined
  const year = digits(text, 0, 4)
  const month = digits(text, 5, 7)
  const day = digits(text, 8, 10)
  const hour = digits(text, 11, 13)
  const minute = digits(text, 14, 16)
  const second = digits(text, 17, 19)
  const millisecond = digits(text, 20, 23)
  // NaN fails each of these; the rare rest is left to the expression
  if (!(year >= 1970 && year <= 2261 && month >= 1 && month <= 12 && day >= 1 && day <= 28)) return undefined
  if (!(hour <= 23 && minute <= 59 && second <= 59 && millisecond <= 999)) return undefined
  return Date.UTC(year, month - 1, day, hour, minute, second, millisecond)
}

function digits(text: string, from: number, to: number): number {
  let value = 0
  for (let i = from; i < to; i++) {
    const digit = text.charCodeAt(i) - 48
    if (digit < 0 || digit > 9) return Number.NaN
    value = value * 10 + digit
  }
  return value
}

function offsetMinutes(
  sign: string | undefined,
  hours: string | undefined,
  minutes: string | undefined,
): number | undefined {
  if (sign === undefined) return 0
  const h = Number(hours)
  const m = Number(minutes)
  if (h > 23 || m > 59) return undefined
  return (sign === '-' ? -1 : 1) * (h * 60 + m)
}

function daysIn(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}
