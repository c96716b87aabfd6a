import { describe, expect, test } from 'vitest'
import type { AlertEntry, Journal } from '../../../src/ports/journal.ts'
import { createAlerts } from '../../../src/risk/alerts.ts'
import { effectivenessOf, incidentsOf } from '../../../src/risk/incidents.ts'
import { indicator, MINUTE, world } from '../../support/alert-world.ts'

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
