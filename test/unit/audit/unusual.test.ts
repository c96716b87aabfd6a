import { expect, test } from 'vitest'
import { type Alarm, createUnusual } from '../../../src/audit/unusual.ts'

/** A watch with a clock that the test turns. */
function watch() {
  const alarms: Alarm[] = []
  const clock = { now: 0 }
  const unusual = createUnusual({
    lines: { requests: 100, records: 1000, failures: 10 },
    onAlarm: (alarm) => alarms.push(alarm),
    now: () => clock.now,
  })
  const ask = (who: string | undefined, times: number, more: { outcome?: string; records?: number } = {}) => {
    for (let i = 0; i < times; i++) unusual.see({ who, from: '10.0.0.1', action: 'query', outcome: 'ok', ...more })
  }
  return { alarms, clock, unusual, ask }
}

test('a day of usual use raises no alarm; one minute of a flood, of failures, of too many records raises one each', () => {
  const { alarms, clock, ask, unusual } = watch()
  for (let minute = 0; minute < 24 * 60; minute++) {
    clock.now = minute * 60_000
    for (const who of ['ann', 'bob', 'cleo']) ask(who, 100)
    ask('ida', 10, { records: 100 })
    ask(undefined, 10, { outcome: 'UNAUTHENTICATED' })
  }
  expect(alarms).toEqual([])
  expect(unusual.lately()).toEqual([])
  clock.now += 60_000
  ask('eve', 500)
  ask('ida', 30, { records: 100 })
  ask(undefined, 50, { outcome: 'UNAUTHENTICATED' })
  expect(alarms).toEqual([
    { who: 'eve', from: '10.0.0.1', measure: 'requests', line: 100 },
    { who: 'ida', from: '10.0.0.1', measure: 'records', line: 1000 },
    { who: undefined, from: '10.0.0.1', measure: 'failures', line: 10 },
  ])
  expect(unusual.lately()).toEqual([
    '10.0.0.1: more than 10 failures a minute',
    'ida: more than 1000 records a minute',
    'eve: more than 100 requests a minute',
  ])
})

test('what goes on is told once a minute, and is no more told ten minutes after it ended', () => {
  const { alarms, clock, ask, unusual } = watch()
  for (let second = 0; second < 300; second++) {
    clock.now = second * 1000
    ask('eve', 5)
  }
  expect(alarms).toHaveLength(5)
  expect(unusual.totals()).toEqual({ requests: 5, records: 0, failures: 0 })
  expect(unusual.lately()).toHaveLength(1)
  clock.now += 10 * 60_000
  expect(unusual.lately()).toEqual([])
})

test('a million addresses take no more memory than ten thousand, and each is told from the others', () => {
  const { alarms, unusual, ask } = watch()
  for (let i = 0; i < 100_000; i++) unusual.see({ from: `address ${i}`, action: 'request', outcome: 'UNAUTHENTICATED' })
  expect(alarms).toEqual([])
  ask(undefined, 11, { outcome: 'UNAUTHENTICATED' })
  expect(alarms).toHaveLength(1)
})
