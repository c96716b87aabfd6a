import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseTimestamp } from '../../../src/domain/timestamp.ts'

describe('a timestamp', () => {
  test.each([
    ['2026-04-02T09:15:03.120Z', '2026-04-02T09:15:03.120Z'],
    ['2026-04-02T09:15:03Z', '2026-04-02T09:15:03.000Z'],
    ['2026-04-02t09:15:03z', '2026-04-02T09:15:03.000Z'],
    ['2026-04-02T11:15:03.1+02:00', '2026-04-02T09:15:03.100Z'],
    ['2026-04-02T03:45:03.129999999-05:30', '2026-04-02T09:15:03.129Z'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
    ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00.000Z'],
    ['1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z'],
    ['2261-12-31T23:59:59.999Z', '2261-12-31T23:59:59.999Z'],
    ['2262-01-01T00:30:00+01:00', '2261-12-31T23:30:00.000Z'],
  ])('%s is kept to the millisecond', (text, iso) => {
    expect(new Date(parseTimestamp(text) ?? Number.NaN).toISOString()).toBe(iso)
  })

  test.each([
    '2026-04-02',
    '2026-04-02T09:15:03',
    '2026-04-02 09:15:03Z',
    '2026-04-02T09:15Z',
    '2026-04-02T24:00:00Z',
    '2026-04-02T09:60:00Z',
    '2026-04-02T09:15:03.Z',
    '2026-02-30T00:00:00Z',
    '2026-02-29T00:00:00.000Z',
    '2026-04-31T00:00:00.000Z',
    '2026-13-01T00:00:00Z',
    '2026-00-01T00:00:00.000Z',
    '2026-04-02T09:15:03.120+24:00',
    '1969-12-31T23:59:59.999Z',
    '1970-01-01T00:00:00+00:01',
    '2262-01-01T00:00:00.000Z',
    '0026-04-02T09:15:03Z',
    'x026-04-02T09:15:03.120Z',
    ' 2026-04-02T09:15:03Z',
    '',
    1775121303,
    null,
    undefined,
    {},
  ])('%j is refused', (value) => {
    expect(parseTimestamp(value)).toBeUndefined()
  })

  test('every moment of the range is read as it was written', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: Date.UTC(2262, 0, 1) - 1 }),
        fc.integer({ min: -23 * 60, max: 23 * 60 }),
        (time, offset) => {
          const sign = offset < 0 ? '-' : '+'
          const two = (n: number) => String(n).padStart(2, '0')
          const local = new Date(time + offset * 60_000)
          fc.pre(local.getUTCFullYear() >= 1969)
          const minutes = Math.abs(offset)
          const text = `${local.toISOString().slice(0, -1)}${sign}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
          expect(parseTimestamp(text)).toBe(time)
          expect(parseTimestamp(new Date(time).toISOString())).toBe(time)
        },
      ),
    )
  })
})
