import { describe, expect, test } from 'vitest'
import type { Indicator } from '../../../src/risk/watch.ts'
import { HOUR, type Instance, indicator, MINUTE, PARTS, world } from '../../support/alert-world.ts'

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
