import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BridgeError } from '../../../src/domain/errors.ts'
import type { GuardEntry, JournalEntry } from '../../../src/ports/journal.ts'
import { createGuard, type GuardState } from '../../../src/rollout/guard.ts'

function scene() {
  const entries: JournalEntry[] = []
  const changes: GuardState[] = []
  const world = { now: 1000, isFull: false, isRead: true }
  const guard = createGuard({
    journal: {
      async append(entry) {
        if (world.isFull) throw new Error('no space left')
        if (!world.isRead) throw new BridgeError('SOURCE_UNAVAILABLE', 'the journal is being read: try again')
        entries.push(entry)
        return { segment: '', from: 0, to: 0 }
      },
    },
    onChange: (state) => changes.push(state),
    now: () => world.now,
  })
  return { entries, changes, world, guard }
}

describe('the guard', () => {
  test('has not tripped before anybody did it', () => {
    expect(scene().guard.state()).toEqual({
      tripped: false,
      at: undefined,
      by: undefined,
      reason: undefined,
      automatic: false,
    })
  })

  test('trips before the disk has it, and is reset after', async () => {
    const { guard, entries, changes } = scene()
    const tripping = guard.trip('wrong figures', 'olga')
    expect(guard.state()).toMatchObject({ tripped: true, by: 'olga', reason: 'wrong figures' })
    expect(await tripping).toEqual(guard.state())
    const resetting = guard.reset('repaired', 'omar')
    expect(guard.state().tripped).toBe(true)
    expect(await resetting).toMatchObject({ tripped: false, by: 'omar', reason: 'repaired' })
    expect(entries.map((entry) => 'tripped' in entry && entry.tripped)).toEqual([true, false])
    expect(changes.map(({ tripped }) => tripped)).toEqual([true, false])
  })

  test('writes nothing where nothing changes, and keeps who tripped it first', async () => {
    const { guard, entries } = scene()
    await guard.reset('for nothing', 'omar')
    await guard.trip('first', 'olga')
    expect(await guard.trip('second', 'omar')).toMatchObject({ by: 'olga', reason: 'first' })
    expect(entries).toHaveLength(1)
  })

  test('trips by itself, which an operator can take over: then it is not ended by itself', async () => {
    const { guard, entries } = scene()
    expect(await guard.trip('wrong row')).toMatchObject({ by: 'the guard itself', automatic: true })
    await guard.trip('another wrong row')
    expect(guard.state().reason).toBe('wrong row')
    expect(await guard.trip('I look at it', 'olga')).toMatchObject({ tripped: true, by: 'olga', automatic: false })
    await guard.trip('a third wrong row')
    expect(guard.state().by).toBe('olga')
    expect(entries.map((entry) => 'automatic' in entry)).toEqual([true, false])
  })

  test('trips on this instance though the disk takes nothing, says so, and is kept when it is asked again', async () => {
    const { guard, world, entries } = scene()
    world.isFull = true
    await expect(guard.trip('wrong figures', 'olga')).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' })
    expect(guard.state().tripped).toBe(true)
    await expect(guard.reset('no', 'olga')).rejects.toThrow('no space left')
    expect(guard.state().tripped).toBe(true)
    world.isFull = false
    expect(await guard.trip('again', 'olga')).toMatchObject({ tripped: true, reason: 'wrong figures' })
    expect(entries).toHaveLength(1)
  })

  test('that is tripped while a reset is being written stays tripped: the brake is later', async () => {
    const { guard, entries, world } = scene()
    await guard.trip('wrong figures', 'olga')
    const resetting = guard.reset('repaired', 'omar')
    const tripping = guard.trip('not repaired', 'olga')
    expect(await tripping).toMatchObject({ tripped: true, reason: 'not repaired' })
    expect(await resetting).toMatchObject({ tripped: true, reason: 'not repaired' })
    const elsewhere = scene().guard
    for (const entry of entries) elsewhere.remember(entry as GuardEntry)
    expect(elsewhere.state()).toEqual(guard.state())
    world.isFull = true
    await expect(guard.reset('no room', 'omar')).rejects.toThrow('no space left')
    world.isFull = false
    expect(await guard.trip('for nothing', 'omar')).toMatchObject({ by: 'olga', reason: 'not repaired' })
    expect(entries).toHaveLength(3)
  })

  test('trips again though others ended a trip of it that the disk had not taken', async () => {
    const { guard, world, entries } = scene()
    world.isFull = true
    await expect(guard.trip('wrong figures', 'olga')).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' })
    guard.remember({ kind: 'guard', at: 9000, by: 'omar', tripped: false, reason: 'repaired' })
    expect(guard.state().tripped).toBe(false)
    world.isFull = false
    expect(await guard.trip('wrong again', 'olga')).toMatchObject({ tripped: true, at: 9001, reason: 'wrong again' })
    expect(entries).toMatchObject([{ tripped: true, at: 9001 }])
  })

  test('trips on this instance while its journal is being read, and says that this is why nobody else knows', async () => {
    const { guard, world } = scene()
    world.isRead = false
    await expect(guard.trip('wrong figures', 'olga')).rejects.toMatchObject({
      code: 'STORAGE_UNAVAILABLE',
      message: expect.stringMatching(/^it has tripped on this instance .*: the journal is being read: try again$/),
    })
    expect(guard.state().tripped).toBe(true)
  })

  test('goes on after an entry of a clock that is ahead', async () => {
    const { guard } = scene()
    guard.remember({ kind: 'guard', at: 9000, by: 'olga', tripped: true, reason: 'wrong' })
    expect(await guard.reset('repaired', 'omar')).toMatchObject({ tripped: false, at: 9001 })
  })

  test('is the same on every instance, in whatever order, and however often, its entries are heard', () => {
    const entry = fc.record<GuardEntry>({
      kind: fc.constant('guard'),
      at: fc.integer({ min: 0, max: 3 }),
      by: fc.constantFrom('olga', 'omar'),
      tripped: fc.boolean(),
      reason: fc.constantFrom('a', 'b'),
    })
    const stateAfter = (entries: readonly GuardEntry[]): GuardState => {
      const { guard } = scene()
      for (const one of entries) guard.remember(one)
      return guard.state()
    }
    fc.assert(
      fc.property(
        fc
          .array(entry)
          .chain((entries) =>
            fc.tuple(
              fc.constant(entries),
              fc.shuffledSubarray([...entries, ...entries], { minLength: 2 * entries.length }),
            ),
          ),
        ([one, other]) => {
          expect(stateAfter(one)).toEqual(stateAfter(other))
        },
      ),
    )
  })
})
