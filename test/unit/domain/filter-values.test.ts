import { describe, expect, test } from 'vitest'
import { searchValues, valuesByUse } from '../../../src/domain/filter-values.ts'

const usage = (...records: bigint[]) =>
  records.map((count) => ({
    model: 'm',
    tier: 0,
    input: 1n,
    output: 1n,
    cacheRead: 0n,
    cacheCreation5m: 0n,
    cacheCreation1h: 0n,
    records: count,
  }))

describe('the values of a filter', () => {
  const values = valuesByUse([
    { values: ['shop'], start: 0, usage: usage(1n, 2n) },
    { values: ['Straße'], start: 0, usage: usage(9n) },
    { values: ['😀'], start: 0, usage: usage(3n) },
    { values: ['\ufffd'], start: 0, usage: usage(3n) },
  ])

  test('come with the most used first, equal ones by their UTF-8 bytes', () => {
    expect(values).toEqual([
      { value: 'Straße', recordCount: 9n },
      { value: 'shop', recordCount: 3n },
      { value: '\ufffd', recordCount: 3n },
      { value: '😀', recordCount: 3n },
    ])
  })

  test('are found by a part of them, in any case, and no more than were asked for', () => {
    const found = (search: string, first = 50) => searchValues(values, search, first).map(({ value }) => value)
    expect(found('HO')).toEqual(['shop'])
    expect(found('STRAß')).toEqual(['Straße'])
    expect(found('', 2)).toEqual(['Straße', 'shop'])
    expect(found('none')).toEqual([])
  })
})
