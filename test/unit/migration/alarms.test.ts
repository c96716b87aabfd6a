import { describe, expect, test } from 'vitest'
import { alarmsOf, type RunFigures } from '../../../src/migration/alarms.ts'

const calm: RunFigures = {
  memoryBytes: 149e6,
  elapsedSeconds: 89,
  estimatedSeconds: 60,
  groups: 1000,
  errors: 1,
  variance: 0,
}

describe('a run is watched', () => {
  test('and nothing is told below every line', () => {
    expect(alarmsOf({ ...calm, errors: 0 })).toEqual([])
    expect(alarmsOf({ ...calm, errors: 0, estimatedSeconds: undefined, variance: undefined })).toEqual([])
  })

  test.each<[string, Partial<RunFigures>, string]>([
    ['memory from 150 MB on', { memoryBytes: 150e6 }, 'memory: 150 MB of heap and buffers, past 150'],
    ['memory at its limit', { memoryBytes: 200e6 }, 'memory: 200 MB of heap and buffers, past the limit of 200'],
    ['errors from 0.1 % on', { groups: 999, errors: 1 }, 'error rate: 0.100 % of the groups, past 0.100 %'],
    ['errors at 1 %', { groups: 99, errors: 1 }, 'error rate: 1.000 % of the groups, past the limit of 1.000 %'],
    ['1.5 times the estimate', { elapsedSeconds: 90 }, 'duration: 1.5 times its estimate, past 1.5'],
    ['30 minutes', { elapsedSeconds: 1800, estimatedSeconds: 1500 }, 'duration: 1800 s, past the limit of 1800'],
    ['a variance of 0.001 %', { variance: 0.00001 }, 'token variance: 0.001 % of the tokens, past 0.001 %'],
    ['a variance of 0.1 %', { variance: 0.001 }, 'token variance: 0.100 % of the tokens, past the limit of 0.100 %'],
  ])('%s', (_what, figures, alarm) => {
    expect(alarmsOf({ ...calm, errors: 0, ...figures })).toEqual([alarm])
  })

  test('and a short run is not held to its estimate', () => {
    expect(alarmsOf({ ...calm, errors: 0, estimatedSeconds: 1, elapsedSeconds: 89 })).toEqual([])
  })
})
