import { expect, test } from 'vitest'
import { DIMENSION_NAMES, DIMENSIONS } from '../../../src/domain/dimensions.ts'
import { EVERYTHING } from '../../../src/domain/scope.ts'
import type { TokenQuery } from '../../../src/domain/token-query.ts'
import { filterKey, requestKey } from '../../../src/reading/question-key.ts'
import { HOURS } from '../../support/bucketed.ts'

const LISTS = DIMENSION_NAMES.map((name) => DIMENSIONS[name].filter)

test('every list of a filter is part of its key, in whichever order and however often it names its entries', () => {
  const keys = [filterKey({}), ...LISTS.map((list) => filterKey({ [list]: ['a'] })), filterKey({ from: 1 })]
  expect(new Set(keys).size).toBe(LISTS.length + 2)
  for (const list of LISTS) {
    expect(filterKey({ [list]: ['b', 'a', 'b'] })).toBe(filterKey({ [list]: ['a', 'b'] }))
    expect(filterKey({ [list]: [] })).not.toBe(filterKey({}))
  }
  // as GraphQL has it, and as sources do
  expect(filterKey({ sidechain: true })).toBe(filterKey({ sidechain: ['true'] }))
  expect(filterKey({ sidechain: false })).not.toBe(filterKey({ sidechain: true }))
  expect(filterKey({ users: ['a'], projects: ['b'] })).toBe(filterKey({ projects: ['b'], users: ['a'] }))
})

test('a request has one key, in whichever order it names its groupings and their axes', () => {
  const request = (query: Partial<TokenQuery>) => ({
    queries: [{ filter: { users: ['b', 'a'] }, groupings: [], ...query }],
    access: EVERYTHING,
    quality: false,
  })
  const key = requestKey(request({ groupings: [['project'], ['user', HOURS]] }))
  expect(requestKey(request({ groupings: [[HOURS, 'user'], ['project']], sessions: false }))).toBe(key)
  expect(requestKey(request({ filter: { users: ['a', 'b', 'a'] }, groupings: [['project'], ['user', HOURS]] }))).toBe(
    key,
  )
  for (const other of [
    { groupings: [['project'], ['user'], [HOURS]] as const },
    { groupings: [['project'], ['user', HOURS]] as const, sessions: true },
    { groupings: [['project'], ['user', HOURS]] as const, countSessions: true },
  ])
    expect(requestKey(request(other))).not.toBe(key)
})
