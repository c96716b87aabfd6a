import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { AlertEntry, Journal } from '../../../src/ports/journal.ts'
import { createAlerts } from '../../../src/risk/alerts.ts'
import type { Indicator } from '../../../src/risk/watch.ts'
import { GUARD_AT_REST, HOUR, indicator, MINUTE, told, world } from '../../support/alert-world.ts'

describe('an alert', () => {
  test('is opened once, whichever instances see it, and over restarts', async () => {
    const { start, pass, journal } = world()
    const [first, second] = [start('a'), start('b')]
    for (const one of [first, second]) one.seen.indicators = [indicator('BREACHED')]
    await first.step()
    await second.step()
    expect(told(first)).toEqual(['memory_usage OPEN 1'])
    expect(second.alerts.all()).toEqual(first.alerts.all())
    const id = first.alerts.all()[0]?.id ?? ''
    first.kill()
    pass(MINUTE)
    const again = start('a')
    again.seen.indicators = [indicator('BREACHED')]
    for (let i = 0; i < 5; i++) await again.step()
    expect(again.alerts.all().map((one) => one.id)).toEqual([id])
    expect(journal.filter(({ event }) => event === 'raised')).toHaveLength(2)
  })

  test('goes up after 2 and 8 hours that nobody acknowledged it, over restarts, and though the clock goes back an hour', async () => {
    const { start, pass, time, journal } = world()
    let one = start('a')
    one.seen.indicators = [indicator('BREACHED')]
    await one.step()
    pass(2 * HOUR - MINUTE / 2)
    await one.step()
    expect(told(one)).toEqual(['memory_usage OPEN 1'])
    time.wall -= HOUR
    pass(MINUTE)
    await one.step()
    expect(told(one)).toEqual(['memory_usage OPEN 2'])
    one.kill()
    one = start('a')
    one.seen.indicators = [indicator('BREACHED')]
    await one.step()
    expect(told(one)).toEqual(['memory_usage OPEN 2'])
    pass(6 * HOUR)
    await one.step()
    expect(told(one)).toEqual(['memory_usage OPEN 3'])
    pass(48 * HOUR)
    await one.step()
    expect(journal.filter(({ event }) => event === 'escalated').map(({ level }) => level)).toEqual([2, 3])
  })

  test('goes up on the start after an outage, and one level where more time is over than for one', async () => {
    const { start, pass } = world()
    const before = start('a')
    before.seen.indicators = [indicator('BREACHED')]
    await before.step()
    before.kill()
    pass(9 * HOUR)
    const after = start('a')
    after.seen.indicators = [indicator('BREACHED')]
    await after.step()
    expect(told(after)).toEqual(['memory_usage OPEN 3'])
  })

  test('that somebody acknowledged goes up no more, on any instance', async () => {
    const { start, pass } = world()
    const [first, second] = [start('a'), start('b')]
    first.seen.indicators = [indicator('BREACHED')]
    await first.step()
    const id = first.alerts.all()[0]?.id ?? ''
    expect(await second.alerts.acknowledge(id, 'I look', 'olga')).toMatchObject({
      state: 'ACKNOWLEDGED',
      acknowledgedBy: 'olga',
    })
    pass(9 * HOUR)
    await first.step()
    await second.step()
    expect(told(first)).toEqual(['memory_usage ACKNOWLEDGED 1'])
    await expect(first.alerts.acknowledge(id, '', 'omar')).rejects.toMatchObject({ code: 'CONFLICT' })
    await expect(first.alerts.acknowledge('none', '', 'omar')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  test('is closed once what it is about was well for three minutes, on each instance that saw it', async () => {
    const { start, pass } = world()
    const [first, second] = [start('a'), start('b')]
    for (const one of [first, second]) {
      one.seen.indicators = [indicator('BREACHED')]
      await one.step()
    }
    first.seen.indicators = [indicator('OK', 'memory_usage', 100)]
    await first.step()
    pass(2 * MINUTE)
    // once more past its line: the same alert
    first.seen.indicators = [indicator('ALARM', 'memory_usage', 160)]
    await first.step()
    first.seen.indicators = [indicator('OK', 'memory_usage', 100)]
    await first.step()
    pass(3 * MINUTE)
    await first.step()
    expect(told(second)).toEqual(['memory_usage OPEN 1'])
    second.seen.indicators = [indicator('OK', 'memory_usage', 100)]
    await second.step()
    pass(3 * MINUTE)
    await second.step()
    expect(told(first)).toEqual(['memory_usage CLOSED 1'])
    first.seen.indicators = [indicator('ALARM')]
    await first.step()
    expect(told(first)).toEqual(['memory_usage OPEN 1', 'memory_usage CLOSED 1'])
  })

  test('of an instance that is gone is closed by the others after an hour and a half, and no sooner while it says it again', async () => {
    const { start, pass } = world()
    const [first, second] = [start('a'), start('b')]
    first.seen.indicators = [indicator('BREACHED')]
    await first.step()
    for (let i = 0; i < 4; i++) {
      pass(HOUR / 2)
      await first.step()
      await second.step()
    }
    expect(told(second)[0]).toMatch(/OPEN/)
    first.kill()
    pass(89 * MINUTE)
    await second.step()
    expect(told(second)[0]).toMatch(/OPEN/)
    pass(2 * MINUTE)
    await second.step()
    expect(told(second)[0]).toMatch(/CLOSED/)
  })

  test('is closed where its indicator is not measured any more for a quarter of an hour', async () => {
    const { start, pass } = world()
    const one = start('a')
    one.seen.indicators = [indicator('BREACHED')]
    await one.step()
    one.seen.indicators = [indicator('UNKNOWN')]
    await one.step()
    pass(15 * MINUTE - 1)
    await one.step()
    expect(told(one)).toEqual(['memory_usage OPEN 1'])
    pass(1)
    await one.step()
    expect(told(one)).toEqual(['memory_usage CLOSED 1'])
  })

  test('tells of a part that is down for half a minute, and of a guard at once', async () => {
    const { start, pass, time } = world()
    const one = start('a')
    one.seen.components = [{ name: 'journal', state: 'DOWN', detail: 'no space left' }]
    await one.step()
    expect(told(one)).toEqual([])
    pass(MINUTE / 2)
    await one.step()
    expect(told(one)).toEqual(['journal_down OPEN 1'])
    one.seen.guard = { tripped: true, at: time.wall, by: 'olga', reason: 'wrong figures' }
    pass(1)
    await one.step()
    expect(told(one)[0]).toBe('guard_tripped OPEN 1')
    one.seen.guard = GUARD_AT_REST
    await one.step()
    expect(told(one)[0]).toBe('guard_tripped CLOSED 1')
  })

  test('is told to the log as it opens, goes up and ends, once each, by the instance that notices it', async () => {
    const { start, pass, logged } = world()
    const [first, second] = [start('a'), start('b')]
    const see = async (...seen: Indicator[]) => {
      for (const one of [first, second]) {
        one.seen.indicators = seen
        await one.step()
      }
    }
    await see(indicator('ALARM'))
    await see(indicator('ALARM'))
    pass(2 * HOUR)
    await see(indicator('ALARM'))
    await see(indicator('OK'))
    pass(3 * MINUTE)
    await see(indicator('OK'))
    await see(indicator('OK'))
    // it is closed by the last of those that saw it
    expect(logged).toEqual(['a opened 1', 'a escalated 2', 'b closed 2'])
  })

  test('is open though the disk takes nothing, and is journaled as soon as it does', async () => {
    const { start, state, journal } = world()
    const one = start('a')
    state.isFull = true
    one.seen.indicators = [indicator('BREACHED', 'journal_disk')]
    await one.step()
    expect(told(one)).toEqual(['journal_disk OPEN 1'])
    expect(journal).toEqual([])
    state.isFull = false
    await one.step()
    expect(journal.map(({ event }) => event)).toContain('raised')
    expect(journal.filter(({ event }) => event === 'raised')).toHaveLength(1)
  })

  test('that grows worse is told to the log as worse, once, and by nobody who sees the same', async () => {
    const { start, logged } = world()
    const [first, second] = [start('a'), start('b')]
    for (const state of ['ALARM', 'BREACHED', 'ALARM', 'BREACHED'] as const)
      for (const one of [first, second]) {
        one.seen.indicators = [indicator(state, 'journal_disk')]
        await one.step()
      }
    expect(logged).toEqual(['a opened 1', 'a worsened 1'])
    expect(first.alerts.all()).toMatchObject([
      { severity: 'CRITICAL', message: '190 megabytes, past the threshold of 180' },
    ])
  })

  test('that was acknowledged is open again once it is worse, and its hours count from there, on each instance and over restarts', async () => {
    const { start, pass } = world()
    const [first, second] = [start('a'), start('b')]
    first.seen.indicators = [indicator('ALARM', 'journal_disk')]
    await first.step()
    pass(3 * HOUR)
    await first.step()
    const id = first.alerts.all()[0]?.id ?? ''
    await second.alerts.acknowledge(id, 'I look', 'olga')
    expect(told(first)).toEqual(['journal_disk ACKNOWLEDGED 2'])
    pass(9 * HOUR)
    first.seen.indicators = [indicator('BREACHED', 'journal_disk')]
    await first.step()
    expect(told(second)).toEqual(['journal_disk OPEN 1'])
    expect(second.alerts.all()).toMatchObject([{ id, acknowledgedBy: undefined, acknowledgedAt: undefined }])
    pass(2 * HOUR - MINUTE)
    await first.step()
    expect(told(second)).toEqual(['journal_disk OPEN 1'])
    first.kill()
    pass(MINUTE + 1000)
    const again = start('a')
    again.seen.indicators = [indicator('BREACHED', 'journal_disk')]
    await again.step()
    expect(told(again)).toEqual(['journal_disk OPEN 2'])
    expect(second.alerts.all()).toEqual(again.alerts.all())
    await second.alerts.acknowledge(id, 'now really', 'omar')
    pass(9 * HOUR)
    await again.step()
    expect(told(again)).toEqual(['journal_disk ACKNOWLEDGED 2'])
    expect(again.alerts.all()[0]?.timeline.map(({ text }) => text)).toEqual([
      '190 megabytes, past the alarm line of 150',
      'level 2: nobody has acknowledged it: technical leadership',
      'acknowledged: I look',
      'now CRITICAL: 190 megabytes, past the threshold of 180',
      'level 2: nobody has acknowledged it: technical leadership',
      'acknowledged: now really',
    ])
  })

  test('that nobody acknowledged goes on to go up from when it was opened, though it grows worse', async () => {
    const { start, pass } = world()
    const one = start('a')
    one.seen.indicators = [indicator('ALARM', 'journal_disk')]
    await one.step()
    pass(3 * HOUR)
    await one.step()
    one.seen.indicators = [indicator('BREACHED', 'journal_disk')]
    await one.step()
    expect(told(one)).toEqual(['journal_disk OPEN 2'])
    pass(5 * HOUR)
    await one.step()
    expect(told(one)).toEqual(['journal_disk OPEN 3'])
  })

  test('that grew worse elsewhere is not silenced by whoever saw the milder one alone', async () => {
    const { start, pass, journal } = world()
    const [first, second] = [start('a'), start('b')]
    first.seen.indicators = [indicator('ALARM', 'journal_disk')]
    await first.step()
    const id = first.alerts.all()[0]?.id ?? ''
    // the second has not heard of the first for some seconds
    second.kill()
    pass(1000)
    first.seen.indicators = [indicator('BREACHED', 'journal_disk')]
    await first.step()
    pass(1000)
    await second.alerts.acknowledge(id, 'it is mild', 'olga')
    const third = start('c')
    expect(told(third)).toEqual(['journal_disk OPEN 1'])
    expect(third.alerts.all()[0]?.timeline.at(-1)).toMatchObject({
      text: 'acknowledged as MEDIUM: it is mild',
      by: 'olga',
    })
    expect(journal.filter(({ event }) => event === 'acknowledged')).toHaveLength(1)
  })

  test('has a text of one line, with few digits', async () => {
    const { start, pass } = world()
    const one = start('a')
    one.seen.indicators = [
      indicator('BREACHED', 'journal_disk', 0.9376220703125),
      indicator('BREACHED', 'verification_difference', 1234567),
    ]
    one.seen.components = [{ name: 'clickhouse', state: 'DOWN', detail: 'refused\n# Risks\u001b[31m' }]
    await one.step()
    pass(MINUTE)
    await one.step()
    expect(
      one.alerts
        .all()
        .map(({ message }) => message)
        .sort(),
    ).toEqual([
      '0.9376 megabytes, past the threshold of 180',
      '1234567 megabytes, past the threshold of 180',
      'clickhouse is down: refused\ufffd# Risks\ufffd[31m',
    ])
  })

  test('that is open for months is still the same, and stays acknowledged', async () => {
    const { start, pass } = world()
    const [first, second] = [start('a'), start('b')]
    const stepBoth = async () => {
      for (const one of [first, second]) {
        one.seen.indicators = [indicator('BREACHED')]
        await one.step()
      }
    }
    await stepBoth()
    const id = first.alerts.all()[0]?.id ?? ''
    await first.alerts.acknowledge(id, '', 'olga')
    for (let i = 0; i < 2 * 24 * 60; i++) {
      pass(HOUR / 2 + 1000)
      await stepBoth()
    }
    expect(first.alerts.all()).toMatchObject([{ id, state: 'ACKNOWLEDGED', acknowledgedBy: 'olga' }])
    expect(start('c').alerts.all()).toMatchObject([{ id, state: 'ACKNOWLEDGED', acknowledgedBy: 'olga' }])
  })

  test('is journaled once, though it is asked to be kept while it is being written', async () => {
    const { start, journal } = world()
    const { alerts } = start('a')
    for (const name of ['memory_usage', 'database_cpu']) alerts.raise({ name, severity: 'MEDIUM', text: 'x', since: 0 })
    await Promise.all([alerts.keep(), alerts.keep(), alerts.keep()])
    expect(journal.map(({ name }) => name)).toEqual(['memory_usage', 'database_cpu'])
  })

  test('is the same everywhere, in whatever order its entries come, and however often', () => {
    const events = ['raised', 'recovered', 'escalated', 'acknowledged', 'resolved'] as const
    const entry = fc.record({
      kind: fc.constant('alert' as const),
      at: fc.integer({ min: 1, max: 50 }),
      instance: fc.constantFrom('a', 'b'),
      name: fc.constantFrom('memory_usage', 'journal_disk'),
      event: fc.constantFrom(...events),
      text: fc.constant('x'),
      level: fc.constantFrom(2, 3),
      severity: fc.constantFrom('MEDIUM', 'HIGH', 'CRITICAL'),
    })
    const entries = fc.uniqueArray(entry, { selector: ({ at, instance }) => `${at} ${instance}`, maxLength: 30 })
    const foldOf = (all: readonly AlertEntry[]) => {
      const journal: Journal = { append: () => Promise.reject(new Error('no')) }
      const alerts = createAlerts({ journal, instance: 'c', now: () => 0, onUnkept: () => undefined })
      for (const one of all) alerts.remember(one)
      return alerts.all()
    }
    fc.assert(
      fc.property(
        entries.chain((all) =>
          fc.tuple(fc.constant(all), fc.shuffledSubarray([...all, ...all], { minLength: 2 * all.length })),
        ),
        ([all, mixed]) => {
          expect(foldOf(mixed)).toEqual(foldOf(all))
        },
      ),
    )
  })
})
