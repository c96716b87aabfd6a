import { expect, test } from 'vitest'
import { createStrangers } from '../../../src/http/strangers.ts'

test('of too many from one address its oldest goes, of too many in all the oldest; who is known is left alone', () => {
  const gone: string[] = []
  const strangers = createStrangers<string>({ most: 4, mostOfAddress: 2, dismiss: (name) => gone.push(name) })
  strangers.add('a1', 'a')
  strangers.add('b1', 'b')
  strangers.add('b2', 'b')
  strangers.add('b3', 'b')
  expect(gone).toEqual(['b1'])
  strangers.add('c1', 'c')
  strangers.add('c2', 'c')
  expect(gone).toEqual(['b1', 'a1'])
  strangers.remove('b2')
  strangers.remove('b2')
  strangers.add('d1', 'd')
  strangers.add('d2', 'd')
  expect(gone).toEqual(['b1', 'a1', 'b3'])
})

test('connections that are counted for nobody are bounded in all alone', () => {
  const gone: string[] = []
  const strangers = createStrangers<string>({ most: 3, mostOfAddress: 1, dismiss: (name) => gone.push(name) })
  for (const name of ['p1', 'p2', 'p3']) strangers.add(name, undefined)
  expect(gone).toEqual([])
  strangers.add('p4', undefined)
  strangers.add('a1', 'a')
  expect(gone).toEqual(['p1', 'p2'])
  strangers.remove('p3')
  strangers.add('b1', 'b')
  expect(gone).toEqual(['p1', 'p2'])
})
