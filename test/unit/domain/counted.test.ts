import { expect, test } from 'vitest'
import { count, grouped } from '../../../src/domain/counted.ts'

test('figures have separators, whether they come as numbers or as texts, and what is no figure stays as it is', () => {
  expect([grouped(1234567), grouped(2n ** 64n), grouped('2768012012'), grouped('-1000')]).toEqual([
    '1,234,567',
    '18,446,744,073,709,551,616',
    '2,768,012,012',
    '-1,000',
  ])
  expect(grouped('not a figure: 10000')).toBe('not a figure: 10000')
})

test('what is counted is one thing or several', () => {
  expect([count(1, 'entry'), count(0, 'entry'), count('1', 'batch'), count(2n, 'batch')]).toEqual([
    '1 entry',
    '0 entries',
    '1 batch',
    '2 batches',
  ])
  expect(count('12000', 'record')).toBe('12,000 records')
})
