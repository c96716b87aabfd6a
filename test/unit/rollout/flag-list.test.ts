import { afterEach, describe, expect, test, vi } from 'vitest'
import { openFlags } from '../../../src/composition/flags.ts'
import { readConfig } from '../../../src/config.ts'
import { createLogger } from '../../../src/observability/logger.ts'
import { createMetrics } from '../../../src/observability/metrics.ts'
import { FLAG_FACTS, FLAG_NAMES, type FlagKey, type KnownFlags } from '../../../src/ports/flags.ts'
import { listFlags, overdueFlags } from '../../../src/rollout/flag-list.ts'
import { noFigures } from '../../support/no-figures.ts'
import { makeFolder } from '../../support/transcripts.ts'

const END = Date.parse(FLAG_FACTS.experiment.expectedEnd as string)
const DAY_MS = 86_400_000
const known: KnownFlags = {
  asOf: 5,
  version: 1,
  flags: Object.fromEntries(
    Object.keys(FLAG_NAMES).map((key) => [key, { enabled: key === 'experiment', lastChangedAt: 3 }]),
  ) as Record<FlagKey, { enabled: boolean; lastChangedAt: number }>,
}

describe('the list of flags', () => {
  test('has each with its state, who answers for it, and until when it should be there', () => {
    const listed = listFlags(known, END)
    expect(listed.map(({ name }) => name)).toEqual(Object.values(FLAG_NAMES))
    expect(listed.find(({ name }) => name === FLAG_NAMES.experiment)).toEqual({
      name: 'dashboard_ab_test',
      kind: 'experiment',
      enabled: true,
      owner: FLAG_FACTS.experiment.owner,
      expectedEnd: END,
      overdue: false,
      lastChangedAt: 3,
      asOf: 5,
    })
  })

  test('tells a flag as overdue from the end of its last day on, and never one that stays', () => {
    const isOverdue = (now: number) => overdueFlags(now).some(({ name }) => name === FLAG_NAMES.experiment)
    expect(isOverdue(END + DAY_MS - 1)).toBe(false)
    expect(isOverdue(END + DAY_MS)).toBe(true)
    const late = listFlags(known, Date.parse('2100-01-01'))
    expect(late.filter(({ overdue }) => overdue).map(({ expectedEnd }) => expectedEnd)).not.toContain(null)
    expect(late.filter(({ expectedEnd }) => expectedEnd === null).some(({ overdue }) => overdue)).toBe(false)
  })
})

describe('an overdue flag', () => {
  afterEach(() => vi.useRealTimers())

  test('is told in the log when the bridge starts, and by the metrics', async () => {
    vi.useFakeTimers({ now: END + DAY_MS, toFake: ['Date'] })
    const lines: string[] = []
    const logger = createLogger('warn', { write: (line) => void lines.push(line) })
    const flags = await openFlags(readConfig({ HOME: makeFolder(), DATA_DIR: makeFolder() }), logger, { count() {} })
    flags.close()
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      expect.objectContaining({
        flag: 'dashboard_ab_test',
        owner: FLAG_FACTS.experiment.owner,
        expectedEnd: FLAG_FACTS.experiment.expectedEnd,
        msg: expect.stringContaining('should be gone by now'),
      }),
    ])
    const metrics = createMetrics({ ...noFigures(), overdue: () => overdueFlags(Date.now()) })
    const { body } = await metrics.expose()
    expect(body).toContain(
      `token_bridge_flag_overdue{flag="dashboard_ab_test",owner="${FLAG_FACTS.experiment.owner}"} 1`,
    )
    vi.setSystemTime(END)
    expect((await metrics.expose()).body).not.toContain('token_bridge_flag_overdue{')
  })
})
