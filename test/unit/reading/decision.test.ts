import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { UserFlags } from '../../../src/ports/flags.ts'
import { type DecisionFacts, decideSource } from '../../../src/reading/decision.ts'

const flags: UserFlags = {
  databaseBridge: true,
  historicalData: true,
  realTimeUpdates: true,
  userSourceChoice: true,
  shadowReads: 0,
  cohort: null,
}
const ready: DecisionFacts = {
  flags,
  hasDatabase: true,
  isDatabaseOpen: true,
  guardTripped: false,
  isHistorical: true,
  progress: 1,
  threshold: 0.95,
  allPublished: true,
  lacksTranscripts: false,
  preference: 'AUTO',
}
const facts = (more: Partial<Omit<DecisionFacts, 'flags'>> & { flags?: Partial<UserFlags> } = {}): DecisionFacts => ({
  ...ready,
  ...more,
  flags: { ...flags, ...more.flags },
})

describe('the choice of a source', () => {
  test.each<[string, DecisionFacts, string, string, string | null]>([
    ['everything is verified: the rollout', facts(), 'CLICKHOUSE', 'ROLLOUT', null],
    ['the kill switch is off', facts({ flags: { databaseBridge: false } }), 'LEGACY', 'BRIDGE_DISABLED', null],
    ['there is no database', facts({ hasDatabase: false }), 'LEGACY', 'BRIDGE_DISABLED', null],
    [
      'the database cannot be opened',
      facts({ isDatabaseOpen: false, progress: 0 }),
      'LEGACY',
      'SOURCE_UNAVAILABLE',
      null,
    ],
    ['the guard tripped', facts({ guardTripped: true }), 'LEGACY', 'GUARD_TRIPPED', null],
    [
      'history is off, and the range is history',
      facts({ flags: { historicalData: false } }),
      'LEGACY',
      'HISTORICAL_DATA_DISABLED',
      null,
    ],
    [
      'history is off, and the range is not history',
      facts({ flags: { historicalData: false }, isHistorical: false }),
      'CLICKHOUSE',
      'ROLLOUT',
      null,
    ],
    ['progress is below the threshold', facts({ progress: 0.949999 }), 'LEGACY', 'MIGRATION_BELOW_THRESHOLD', null],
    ['progress is at the threshold', facts({ progress: 0.95 }), 'HYBRID', 'ROLLOUT', null],
    ['progress is just below 1', facts({ progress: 0.999999 }), 'HYBRID', 'ROLLOUT', null],
    [
      'there are no transcripts here, and progress is below the threshold',
      facts({ lacksTranscripts: true, progress: 0.5 }),
      'HYBRID',
      'SOURCE_UNAVAILABLE',
      null,
    ],
    [
      'there are no transcripts here, and the cohort is legacy',
      facts({ lacksTranscripts: true, flags: { cohort: 'legacy' } }),
      'CLICKHOUSE',
      'SOURCE_UNAVAILABLE',
      'legacy',
    ],
    [
      'there are no transcripts here, and the kill switch is off',
      facts({ lacksTranscripts: true, flags: { databaseBridge: false } }),
      'LEGACY',
      'BRIDGE_DISABLED',
      null,
    ],
    ['a log has bytes that are not published', facts({ allPublished: false }), 'HYBRID', 'ROLLOUT', null],
    ['the user wants legacy', facts({ preference: 'LEGACY' }), 'LEGACY', 'USER_PREFERENCE', null],
    ['the user wants ClickHouse', facts({ preference: 'CLICKHOUSE' }), 'CLICKHOUSE', 'USER_PREFERENCE', null],
    [
      'the user wants ClickHouse, which lags',
      facts({ preference: 'CLICKHOUSE', allPublished: false }),
      'HYBRID',
      'USER_PREFERENCE',
      null,
    ],
    [
      'the user’s choice is no exposure',
      facts({ preference: 'LEGACY', flags: { cohort: 'database' } }),
      'LEGACY',
      'USER_PREFERENCE',
      null,
    ],
    ['the cohort is legacy', facts({ flags: { cohort: 'legacy' } }), 'LEGACY', 'EXPERIMENT', 'legacy'],
    ['the cohort is database', facts({ flags: { cohort: 'database' } }), 'CLICKHOUSE', 'EXPERIMENT', 'database'],
    [
      'the cohort is database, and it lags',
      facts({ flags: { cohort: 'database' }, progress: 0.97 }),
      'HYBRID',
      'EXPERIMENT',
      'database',
    ],
  ])('%s', (_what, given, source, reason, cohort) => {
    expect(decideSource(given)).toEqual({ source, reason, cohort })
  })

  const anyFacts = fc.record({
    flags: fc.record({
      databaseBridge: fc.boolean(),
      historicalData: fc.boolean(),
      realTimeUpdates: fc.boolean(),
      userSourceChoice: fc.boolean(),
      shadowReads: fc.constant(0),
      cohort: fc.constantFrom('legacy' as const, 'database' as const, null),
    }),
    hasDatabase: fc.boolean(),
    isDatabaseOpen: fc.boolean(),
    guardTripped: fc.boolean(),
    isHistorical: fc.boolean(),
    progress: fc.constantFrom(0, 0.5, 0.95, 0.99, 1),
    threshold: fc.constantFrom(0, 0.95, 1),
    allPublished: fc.boolean(),
    lacksTranscripts: fc.constant(false),
    preference: fc.constantFrom('AUTO' as const, 'LEGACY' as const, 'CLICKHOUSE' as const),
  })

  test('each reason comes before those that follow it in the order of the design', () => {
    fc.assert(
      fc.property(anyFacts, (given) => {
        const { flags: own } = given
        const order: [boolean, string][] = [
          [!own.databaseBridge || !given.hasDatabase, 'BRIDGE_DISABLED'],
          [given.guardTripped, 'GUARD_TRIPPED'],
          [!own.historicalData && given.isHistorical, 'HISTORICAL_DATA_DISABLED'],
          [!given.isDatabaseOpen, 'SOURCE_UNAVAILABLE'],
          [given.progress < given.threshold, 'MIGRATION_BELOW_THRESHOLD'],
          [given.preference !== 'AUTO', 'USER_PREFERENCE'],
          [own.cohort !== null, 'EXPERIMENT'],
          [true, 'ROLLOUT'],
        ]
        expect(decideSource(given).reason).toBe(order.find(([holds]) => holds)?.[1])
      }),
    )
  })

  test('ClickHouse alone answers only where it has everything', () => {
    fc.assert(
      fc.property(anyFacts, (given) => {
        const { source } = decideSource(given)
        if (source === 'CLICKHOUSE') expect([given.progress, given.allPublished]).toEqual([1, true])
        if (source === 'HYBRID') expect(given.progress < 1 || !given.allPublished).toBe(true)
      }),
    )
  })
})
