import { describe, expect, test } from 'vitest'
import { readBy, readOrder, readRange, readTimeZone } from '../../../src/cli/analysis-options.ts'
import { UsageError } from '../../../src/cli/usage-error.ts'

describe('--by', () => {
  test('takes a time and dimensions in any order', () => {
    expect(readBy('model, week')).toEqual({ names: ['model', 'week'], dimensions: ['model'], granularity: 'WEEK' })
    expect(readBy('project,branch')).toEqual({
      names: ['project', 'branch'],
      dimensions: ['project', 'branch'],
      granularity: undefined,
    })
  })

  test.each([
    ['dya', 'near: day'],
    ['day,', 'not ""'],
    ['day,month', 'one time alone, not day and month'],
    ['model,model', 'names the same twice'],
    ['foo', /sidechain, not "foo"$/],
    ['day,model,user,host', 'more than 3'],
  ])('refuses %s', (text, message) => {
    expect(() => readBy(text)).toThrow(message)
    expect(() => readBy(text)).toThrow(UsageError)
  })
})

describe('--order', () => {
  test('takes a direction, what to compare, or both', () => {
    expect(readOrder(undefined)).toEqual({ key: undefined, direction: undefined })
    expect(readOrder('desc')).toEqual({ key: undefined, direction: 'desc' })
    expect(readOrder('cost,asc')).toEqual({ key: 'cost', direction: 'asc' })
    for (const text of ['', 'up', 'asc,desc', 'cost,tokens']) expect(() => readOrder(text)).toThrow(UsageError)
  })
})

describe('the range', () => {
  const now = Date.parse('2026-04-02T09:15:00Z')
  const range = (options: object, zone = 'UTC', granularity: 'DAY' | 'WEEK' | 'HOUR' = 'DAY') => {
    const { from, to } = readRange(options, zone, granularity, now)
    return [from, to].map((time) => (time === undefined ? undefined : new Date(time).toISOString()))
  }

  test('of --since and --until has all of the last day', () => {
    expect(range({ since: '2026-04-01', until: '20260401' })).toEqual([
      '2026-04-01T00:00:00.000Z',
      '2026-04-02T00:00:00.000Z',
    ])
    // the clocks change on that day
    expect(range({ until: '2026-03-29' }, 'Europe/Berlin')).toEqual([undefined, '2026-03-29T22:00:00.000Z'])
    expect(range({ until: '2026-04-01T12:00:00Z' })).toEqual([undefined, '2026-04-01T12:00:00.000Z'])
  })

  test('of --from and --to ends before its end', () => {
    expect(range({ from: '2026-04-01', to: '2026-04-02' })).toEqual([
      '2026-04-01T00:00:00.000Z',
      '2026-04-02T00:00:00.000Z',
    ])
  })

  test('of --last has the current period, and goes by --by or by its own unit', () => {
    expect(range({ last: '1' })).toEqual(['2026-04-02T00:00:00.000Z', undefined])
    expect(range({ last: '3' })).toEqual(['2026-03-31T00:00:00.000Z', undefined])
    expect(range({ last: '2' }, 'UTC', 'WEEK')).toEqual(['2026-03-23T00:00:00.000Z', undefined])
    expect(range({ last: '2h' }, 'UTC', 'WEEK')).toEqual(['2026-04-02T08:00:00.000Z', undefined])
    expect(range({ last: '3m' }, 'Europe/Berlin')).toEqual(['2026-01-31T23:00:00.000Z', undefined])
  })

  test.each([
    [{ since: 'yesterday' }, '--since "yesterday" is neither'],
    [{ until: '2026-02-30' }, '--until "2026-02-30" is neither'],
    [{ since: '2026-04-02', until: '2026-03-31' }, '--since 2026-04-02 is after --until 2026-03-31'],
    [{ from: '2026-04-02', to: '2026-04-01' }, '--from 2026-04-02 is after --to 2026-04-01'],
    [{ since: '2026-04-01', from: '2026-04-01' }, '--since and --from both say when'],
    [{ last: '7', until: '2026-04-01' }, '--last and --until both say when'],
    [{ last: '0' }, '--last "0" is no number of periods'],
    [{ last: '7x' }, '--last "7x" is no number of periods'],
  ])('of %j is refused', (options, message) => {
    expect(() => range(options)).toThrow(message)
  })

  test('is in a zone that there is; local is that of the machine', () => {
    expect(readTimeZone('Europe/Berlin')).toBe('Europe/Berlin')
    expect(readTimeZone('local')).toBe(new Intl.DateTimeFormat().resolvedOptions().timeZone)
    expect(() => readTimeZone('Mars')).toThrow('--time-zone "Mars"')
  })
})
