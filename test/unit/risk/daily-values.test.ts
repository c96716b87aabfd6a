import { expect, test } from 'vitest'
import type { AlertEntry, Journal } from '../../../src/ports/journal.ts'
import { createAlerts } from '../../../src/risk/alerts.ts'
import { noteDaily, valuesAt } from '../../../src/risk/daily-values.ts'
import type { Indicator } from '../../../src/risk/watch.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

/** An instance whose journal takes everything. */
function startInstance() {
  const clock = { now: 100 * DAY }
  const beganAt = clock.now - HOUR
  const written: AlertEntry[] = []
  const alerts = createAlerts({
    journal: { append: async (entry: AlertEntry) => void written.push(entry) } as unknown as Journal,
    instance: 'a',
    now: () => clock.now,
    onUnkept: () => undefined,
  })
  const note = (values: Record<string, number | null>) => {
    const indicators = Object.entries(values).map(([name, value]) => ({ name, value }) as Indicator)
    noteDaily(alerts, { instance: 'a', beganAt }, clock.now, indicators)
  }
  return { clock, alerts, note, written, beganAt }
}

test('indicators are noted once a day, without those that were not measured, and nothing while none was', async () => {
  const { clock, alerts, note, written } = startInstance()
  note({ memory_usage: null })
  note({ memory_usage: 100, api_error_rate: null })
  clock.now += DAY - 1
  note({ memory_usage: 110 })
  clock.now += 1
  note({ memory_usage: 120 })
  await alerts.keep()
  expect(written.map(({ values }) => values)).toEqual([{ memory_usage: 100 }, { memory_usage: 120 }])
  expect(alerts.all()).toEqual([])
})

test('what was noted by a moment is the last of it, else the first of this instance', () => {
  const { clock, alerts, note } = startInstance()
  const begun = clock.now
  expect(valuesAt(alerts, 'a', begun)).toBeUndefined()
  for (let day = 0; day < 10; day++) {
    note({ memory_usage: day })
    clock.now += DAY
  }
  expect(valuesAt(alerts, 'a', begun + 3 * DAY + HOUR)?.values).toEqual({ memory_usage: 3 })
  expect(valuesAt(alerts, 'a', begun - DAY)).toMatchObject({ at: begun, values: { memory_usage: 0 } })
  expect(valuesAt(alerts, 'b', begun + 3 * DAY)).toBeUndefined()
})

test('nothing is noted in the ten minutes after a start', async () => {
  const { clock, alerts, note, written, beganAt } = startInstance()
  clock.now = beganAt + 600_000 - 1
  note({ memory_usage: 100 })
  await alerts.keep()
  expect(written).toEqual([])
})
