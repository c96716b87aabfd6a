import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type AlertNotification, AlertRefused, type AlertTarget } from '../../../src/ports/alert-target.ts'
import type { AlertEntry, Journal } from '../../../src/ports/journal.ts'
import { createAlerts } from '../../../src/risk/alerts.ts'
import { createDeliveries } from '../../../src/risk/deliveries.ts'
import { effectivenessOf, incidentsOf } from '../../../src/risk/incidents.ts'
import { createSightings, type Seen } from '../../../src/risk/sightings.ts'
import { createSteadyClock } from '../../../src/risk/steady-clock.ts'
import type { Indicator } from '../../../src/risk/watch.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const GUARD_AT_REST = { tripped: false, at: undefined, by: undefined, reason: undefined }

/** Instances that hear each other, whose system clocks a test turns; `passed` is how much time there was in truth. */
function world() {
  const time = { wall: Date.parse('2026-04-02T09:00:00Z'), passed: 0 }
  const journal: AlertEntry[] = []
  const heard = new Set<(entry: AlertEntry) => void>()
  const state = { isFull: false, isDeaf: false }
  const received: (AlertNotification & { by: string })[] = []
  const logged: string[] = []
  const target = { isDown: false, refuses: '', onSend: async (): Promise<void> => undefined }
  const start = (name: string) => {
    const instance = name.padEnd(12, '0')
    const clock = createSteadyClock(
      () => time.wall,
      () => time.passed,
    )
    const own: Journal = {
      async append(entry) {
        if (state.isFull) throw new Error('no space left')
        journal.push(entry as AlertEntry)
        for (const one of state.isDeaf ? [hear] : heard) one(entry as AlertEntry)
        return { segment: '', from: 0, to: 0 }
      },
    }
    const alerts = createAlerts({
      journal: own,
      instance,
      now: clock.now,
      onUnkept: () => undefined,
      onChanged: (event, { level }) => logged.push(`${name} ${event} ${level}`),
    })
    const hear = (entry: AlertEntry): void => {
      if (entry.instance === instance) clock.notBefore(entry.at)
      alerts.remember(entry)
    }
    for (const entry of journal) hear(entry)
    heard.add(hear)
    const webhook: AlertTarget = {
      name: 'webhook',
      async send(notification) {
        if (target.isDown) throw new Error('it answered 503')
        if (notification.alert.name === target.refuses) throw new AlertRefused('it answered 400')
        received.push({ ...notification, by: name })
        await target.onSend()
      },
    }
    const deliveries = createDeliveries({
      alerts,
      targets: [webhook],
      instance,
      now: clock.now,
      onFailed: () => undefined,
    })
    const sightings = createSightings(alerts, instance, clock.now)
    const seen: Seen = { indicators: [], components: [], guard: GUARD_AT_REST }
    return {
      alerts,
      seen,
      /** Nothing of it is left but what is journaled. */
      kill: () => heard.delete(hear),
      async step() {
        deliveries.begin()
        sightings.look(seen)
        alerts.escalate()
        await alerts.keep()
        await deliveries.step()
        await alerts.keep()
      },
    }
  }
  /** What was said while nobody heard it. */
  const hearAll = (): void => {
    for (const entry of [...journal]) for (const hear of heard) hear(entry)
  }
  const pass = (ms: number): void => {
    time.wall += ms
    time.passed += ms
  }
  return { time, journal, state, received, logged, target, start, pass, hearAll }
}
type Instance = ReturnType<ReturnType<typeof world>['start']>

const indicator = (state: Indicator['state'], name: Indicator['name'] = 'memory_usage', value = 190): Indicator => ({
  name,
  value,
  unit: 'megabytes',
  alarmLine: 150,
  threshold: 180,
  severity: name === 'memory_usage' ? 'MEDIUM' : 'CRITICAL',
  state,
  measuredAt: 0,
  source: '',
  runbook: '',
})
const PARTS = ['journal', 'clickhouse', 'publisher', 'redis', 'unleash', 'access', 'audit'] as const
const told = (one: Instance) => one.alerts.all().map(({ name, state, level }) => `${name} ${state} ${level}`)

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

describe('alerts are told', () => {
  const settle = async (instances: readonly Instance[], pass: (ms: number) => void, seconds: number) => {
    for (let i = 0; i < seconds; i++) {
      for (const one of instances) await one.step()
      pass(1000)
    }
  }

  test('once, by one of several instances, each level and the end, under ids of their own', async () => {
    const { start, pass, received } = world()
    const both = [start('a'), start('b')]
    for (const one of both) one.seen.indicators = [indicator('BREACHED')]
    await settle(both, pass, 10)
    expect(received.map(({ event }) => event)).toEqual(['opened'])
    pass(2 * HOUR)
    await settle(both, pass, 10)
    for (const one of both) one.seen.indicators = [indicator('OK')]
    await settle(both, pass, 200)
    expect(received.map(({ event, alert }) => `${event} ${alert.level}`)).toEqual([
      'opened 1',
      'escalated 2',
      'closed 2',
    ])
    expect(new Set(received.map(({ id }) => id)).size).toBe(3)
  })

  test('once more as worse, with what it is then, and from level 1 on where somebody had acknowledged the milder one', async () => {
    const { start, pass, received } = world()
    const both = [start('a'), start('b')]
    const [first] = both as [Instance]
    const see = (state: Indicator['state'], value: number) => {
      for (const one of both) one.seen.indicators = [indicator(state, 'journal_disk', value)]
    }
    see('ALARM', 160)
    await settle(both, pass, 10)
    pass(2 * HOUR)
    await settle(both, pass, 10)
    await first.alerts.acknowledge(first.alerts.all()[0]?.id ?? '', '', 'olga')
    see('BREACHED', 190)
    await settle(both, pass, 10)
    pass(2 * HOUR)
    await settle(both, pass, 10)
    expect(received.map(({ event, alert }) => `${event} ${alert.severity} ${alert.level} ${alert.message}`)).toEqual([
      'opened MEDIUM 1 160 megabytes, past the alarm line of 150',
      'escalated MEDIUM 2 160 megabytes, past the alarm line of 150',
      'worsened CRITICAL 1 190 megabytes, past the threshold of 180',
      'escalated CRITICAL 2 190 megabytes, past the threshold of 180',
    ])
    expect(new Set(received.map(({ id }) => id)).size).toBe(4)
  })

  test('as they were when that happened, though they are told later', async () => {
    const { start, pass, received, target } = world()
    const one = start('a')
    target.isDown = true
    one.seen.indicators = [indicator('ALARM', 'journal_disk', 160)]
    await settle([one], pass, 5)
    one.seen.indicators = [indicator('BREACHED', 'journal_disk', 190)]
    await settle([one], pass, 5)
    target.isDown = false
    await settle([one], pass, 60)
    expect(received.map(({ event, alert }) => `${event} ${alert.severity}`)).toEqual([
      'opened MEDIUM',
      'worsened CRITICAL',
    ])
  })

  test('once each, though there are thousands in a few days', async () => {
    const { start, pass, received } = world()
    const one = start('a')
    const names = ['memory_usage', 'journal_disk', 'database_disk'] as const
    for (let i = 0; i < 450; i++)
      for (const state of ['BREACHED', 'OK'] as const) {
        one.seen.indicators = names.map((name) => indicator(state, name))
        await settle([one], pass, 3)
        pass(3 * MINUTE)
        await settle([one], pass, 1)
      }
    await settle([one], pass, 100)
    expect(received).toHaveLength(2 * 3 * 450)
    expect(new Set(received.map(({ id }) => id)).size).toBe(received.length)
  })

  test('by the same instance, though it takes long until somebody has taken them all', async () => {
    const { start, pass, received, target } = world()
    const [first, second] = [start('a'), start('b')]
    first.seen.components = PARTS.map((name) => ({ name, state: 'DOWN' as const, detail: 'away' }))
    await first.step()
    pass(MINUTE)
    target.onSend = async () => {
      pass(10_000)
      await second.step()
    }
    await settle([first], pass, 10)
    expect(received.map(({ by }) => by)).toEqual(PARTS.map(() => 'a'))
  })

  test('and each is noted before the next one is told', async () => {
    const { start, pass, received, journal, target } = world()
    const one = start('a')
    one.seen.components = PARTS.map((name) => ({ name, state: 'DOWN' as const, detail: 'away' }))
    await one.step()
    pass(MINUTE)
    const noted: number[] = []
    target.onSend = async () => void noted.push(journal.filter(({ event }) => event === 'delivered').length)
    await settle([one], pass, 10)
    expect(received).toHaveLength(PARTS.length)
    expect(noted).toEqual(PARTS.map((_, i) => i))
  })

  test('though one of them is refused, which is tried again by itself', async () => {
    const { start, pass, received, target } = world()
    const one = start('a')
    one.seen.components = PARTS.map((name) => ({ name, state: 'DOWN' as const, detail: 'away' }))
    await one.step()
    pass(MINUTE)
    target.refuses = 'journal_down'
    await settle([one], pass, 10)
    const toldOf = () => received.map(({ alert }) => alert.name)
    expect(toldOf()).toEqual(PARTS.slice(1).map((name) => `${name}_down`))
    target.refuses = ''
    await settle([one], pass, 60)
    expect(toldOf().at(-1)).toBe('journal_down')
    expect(received).toHaveLength(PARTS.length)
  })

  test('and their ends under each id that was told, where instances did not hear each other when it began', async () => {
    const { start, pass, received, state, hearAll } = world()
    const both = [start('a'), start('b')]
    state.isDeaf = true
    for (const one of both) one.seen.indicators = [indicator('BREACHED')]
    await settle(both, pass, 10)
    expect(received.map(({ event, by }) => `${event} ${by}`)).toEqual(['opened a', 'opened b'])
    state.isDeaf = false
    hearAll()
    await settle(both, pass, 10)
    expect(received).toHaveLength(2)
    for (const one of both) one.seen.indicators = [indicator('OK')]
    await settle(both, pass, 200)
    const idsOf = (event: string) => received.filter((one) => one.event === event).map(({ alert }) => alert.id)
    expect(new Set(idsOf('closed'))).toEqual(new Set(idsOf('opened')))
    expect(idsOf('closed')).toHaveLength(2)
  })

  test('until somebody takes them, ever more seldom, and after a kill by the one that is started again', async () => {
    const { start, pass, received, target } = world()
    const one = start('a')
    one.seen.indicators = [indicator('BREACHED')]
    target.isDown = true
    await settle([one], pass, 60)
    expect(received).toEqual([])
    one.kill()
    target.isDown = false
    const again = start('a')
    again.seen.indicators = [indicator('BREACHED')]
    await settle([again], pass, 10)
    expect(received.map(({ event }) => event)).toEqual(['opened'])
  })

  test('by another instance, where the one whose turn it was is gone', async () => {
    const { start, pass, received, target } = world()
    const [first, second] = [start('a'), start('b')]
    first.seen.indicators = [indicator('BREACHED')]
    target.isDown = true
    await settle([first, second], pass, 5)
    first.kill()
    target.isDown = false
    await settle([second], pass, 150)
    expect(received.map(({ event, by }) => `${event} ${by}`)).toEqual(['opened b'])
  })

  test('again under the same id, where the process was killed before it had noted that', async () => {
    const { start, pass, received, journal } = world()
    const one = start('a')
    one.seen.indicators = [indicator('BREACHED')]
    await settle([one], pass, 10)
    one.kill()
    journal.splice(
      journal.findIndex(({ event }) => event === 'delivered'),
      1,
    )
    const again = start('a')
    again.seen.indicators = [indicator('BREACHED')]
    await settle([again], pass, 150)
    expect(received).toHaveLength(2)
    expect(received[0]?.id).toBe(received[1]?.id)
  })

  test('from when on somebody is named to be told: what was before is no news', async () => {
    const { start, pass, received, journal } = world()
    const one = start('a')
    one.seen.indicators = [indicator('BREACHED')]
    await settle([one], pass, 10)
    expect(received).toHaveLength(1)
    // as if nobody had been named at the time
    for (const event of ['subscribed', 'delivered'])
      journal.splice(
        journal.findIndex((entry) => entry.event === event),
        1,
      )
    one.kill()
    const again = start('a')
    again.seen.indicators = [indicator('BREACHED')]
    await settle([again], pass, 150)
    expect(received).toHaveLength(1)
  })
})

describe('an incident', () => {
  test('is a critical alert, with what happened; closed by hand, its alert is acknowledged', async () => {
    const { start, pass } = world()
    const one = start('a')
    one.seen.indicators = [indicator('ALARM', 'journal_disk'), indicator('BREACHED')]
    await one.step()
    expect(incidentsOf(one.alerts.all())).toEqual([])
    pass(MINUTE)
    one.seen.indicators = [indicator('BREACHED', 'journal_disk')]
    await one.step()
    const [incident] = incidentsOf(one.alerts.all())
    expect(incident).toMatchObject({ risk: 3, resolvedAt: undefined })
    expect(incident?.timeline).toHaveLength(2)
    pass(MINUTE)
    const resolved = await one.alerts.resolve(incident?.id ?? '', 'a larger disk', 'olga')
    expect(resolved).toMatchObject({ state: 'ACKNOWLEDGED', acknowledgedBy: 'olga' })
    expect(incidentsOf(one.alerts.all())[0]?.resolvedAt).toBe(resolved.resolvedAt)
    await expect(one.alerts.resolve(incident?.id ?? '', 'again', 'olga')).rejects.toMatchObject({ code: 'CONFLICT' })
    await one.step()
    expect(one.alerts.all().filter(({ name }) => name === 'journal_disk')).toHaveLength(1)
  })

  test('says how well risks are met, on a known timeline', () => {
    const journal: Journal = { append: () => Promise.reject(new Error('no')) }
    const alerts = createAlerts({ journal, instance: 'c', now: () => 0, onUnkept: () => undefined })
    let at = 0
    const happened = (minutes: number, name: string, event: AlertEntry['event'], more: Partial<AlertEntry> = {}) =>
      alerts.remember({ kind: 'alert', at: minutes * MINUTE + at++, instance: 'a', name, event, text: '', ...more })
    expect(effectivenessOf(alerts.all())).toEqual({
      preventionRate: undefined,
      detectionSeconds: undefined,
      recoverySeconds: undefined,
      impactReduction: undefined,
    })
    // three warnings that came to nothing, an incident of an hour, and one of nine hours
    for (const name of ['memory_usage', 'database_cpu', 'database_latency']) {
      happened(0, name, 'raised', { severity: 'MEDIUM' })
      happened(10, name, 'recovered')
    }
    happened(100, 'journal_disk', 'raised', { severity: 'CRITICAL', since: 99 * MINUTE })
    happened(160, 'journal_disk', 'recovered')
    happened(200, 'guard_tripped', 'raised', { severity: 'CRITICAL', since: 197 * MINUTE })
    happened(740, 'guard_tripped', 'recovered')
    const { preventionRate, detectionSeconds, recoverySeconds, impactReduction } = effectivenessOf(alerts.all())
    expect(preventionRate).toBe(0.6)
    expect(detectionSeconds).toBeCloseTo(120, 0)
    expect(recoverySeconds).toBeCloseTo(5 * 3600, 0)
    // seven of eight hours saved, and none
    expect(impactReduction).toBeCloseTo(7 / 16, 3)
  })
})
