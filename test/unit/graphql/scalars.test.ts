import { parseValue } from 'graphql'
import { describe, expect, test } from 'vitest'
import { BigIntScalar } from '../../../src/graphql/scalars/big-int.ts'
import { DateTimeScalar } from '../../../src/graphql/scalars/date-time.ts'

describe('BigInt', () => {
  test('is a decimal string in responses, of any size', () => {
    expect(BigIntScalar.serialize(2n ** 70n)).toBe('1180591620717411303424')
    expect(() => BigIntScalar.serialize(5)).toThrow()
  })
  test('is a string or an integer in variables; an integer above 2^53 is refused', () => {
    expect(BigIntScalar.parseValue('9007199254740993')).toBe(9007199254740993n)
    expect(BigIntScalar.parseValue(5)).toBe(5n)
    expect(BigIntScalar.parseValue(2 ** 53)).toEqual({ unreadable: expect.stringContaining('loses digits') })
    for (const bad of ['', '1.5', '0x10', 'five', 1.5, null, {}, '9'.repeat(61)])
      expect(BigIntScalar.parseValue(bad)).toEqual({ unreadable: expect.any(String) })
  })
  test('is an integer or a string in the text', () => {
    expect(BigIntScalar.parseLiteral(parseValue('9007199254740993') as never)).toBe(9007199254740993n)
    expect(BigIntScalar.parseLiteral(parseValue('"-7"') as never)).toBe(-7n)
    expect(BigIntScalar.parseLiteral(parseValue('1.5') as never)).toEqual({ unreadable: expect.any(String) })
  })
})

describe('DateTime', () => {
  test('is RFC 3339 both ways', () => {
    expect(DateTimeScalar.serialize(0)).toBe('1970-01-01T00:00:00.000Z')
    expect(DateTimeScalar.parseValue('1970-01-01T01:00:00+01:00')).toBe(0)
    expect(DateTimeScalar.parseLiteral(parseValue('"1970-01-01T00:00:01Z"') as never)).toBe(1000)
    for (const bad of ['2026-01-01', 5, null])
      expect(DateTimeScalar.parseValue(bad)).toEqual({ unreadable: expect.stringContaining('RFC 3339') })
    expect(() => DateTimeScalar.serialize('x')).toThrow()
  })
})
