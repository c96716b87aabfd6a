import { describe, expect, test } from 'vitest'
import { LIMITS } from '../../../src/domain/limits.ts'
import type { SourcePreference } from '../../../src/domain/source.ts'
import type { JournalEntry, JournalPlace } from '../../../src/ports/journal.ts'
import { createPreferences } from '../../../src/writing/preferences.ts'

function scene() {
  const entries: JournalEntry[] = []
  const world = { now: 0, isRead: true, fails: false }
  const append = async (entry: JournalEntry): Promise<JournalPlace> => {
    if (world.fails) throw new Error('no journal')
    entries.push(entry)
    if (entry.kind === 'preference') preferences.remember(entry)
    return { segment: '', from: 0, to: 0 }
  }
  const preferences = createPreferences({ journal: { append }, isRead: () => world.isRead, now: () => world.now })
  const toggle = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i++)
      await preferences.choose('ann', preferences.of('ann') === 'AUTO' ? 'LEGACY' : 'AUTO')
  }
  return { entries, world, preferences, toggle }
}

describe('preferences', () => {
  test('are those that were chosen last, and AUTO where nothing was', async () => {
    const { preferences } = scene()
    expect(preferences.of('ann')).toBe('AUTO')
    for (const preference of ['LEGACY', 'CLICKHOUSE', 'AUTO'] satisfies SourcePreference[]) {
      await preferences.choose('ann', preference)
      expect(preferences.of('ann')).toBe(preference)
    }
  })

  test('are written even where nothing seems to change, until the whole journal is known', async () => {
    const { preferences, entries, world } = scene()
    world.isRead = false
    await preferences.choose('ann', 'AUTO')
    expect(entries).toHaveLength(1)
    world.isRead = true
    await preferences.choose('ann', 'AUTO')
    expect(entries).toHaveLength(1)
  })

  test('may be changed so often in an hour, and again in the next', async () => {
    const { toggle, world, entries } = scene()
    await toggle(LIMITS.preferenceChanges.value)
    await expect(toggle(1)).rejects.toMatchObject({ code: 'OVERLOADED', retryable: true })
    world.now += 3_600_000
    await toggle(1)
    expect(entries).toHaveLength(LIMITS.preferenceChanges.value + 1)
  })

  test('are counted for a user who changed them too often, however many others change theirs', async () => {
    const { toggle, preferences } = scene()
    await toggle(LIMITS.preferenceChanges.value)
    for (let i = 0; i < 12_000; i++) await preferences.choose(`user-${i}`, 'LEGACY')
    await expect(toggle(1)).rejects.toMatchObject({ code: 'OVERLOADED' })
  })

  test('that could not be written were not changed, and do not count', async () => {
    const { toggle, world, preferences } = scene()
    world.fails = true
    for (let i = 0; i < 100; i++) await expect(toggle(1)).rejects.toThrow('no journal')
    expect(preferences.of('ann')).toBe('AUTO')
    world.fails = false
    await toggle(1)
    expect(preferences.of('ann')).toBe('LEGACY')
  })
})
