import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { UserFlags } from '../../../src/ports/flags.ts'
import { type DecisionFacts, decideSource, explainDecision } from '../../../src/reading/decision.ts'

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

  test('an explanation tells the row that decided, what led there, and every fact', () => {
    expect(explainDecision(facts({ progress: 0.5 })).text).toBe(
      'LEGACY (MIGRATION_BELOW_THRESHOLD): row 5 of 8, 0.5 of the history is verified, and MIGRATION_PROGRESS_THRESHOLD is 0.95',
    )
    expect(
      explainDecision(facts({ flags: { cohort: 'legacy' }, lacksTranscripts: true, allPublished: false })),
    ).toEqual({
      decision: { source: 'HYBRID', reason: 'SOURCE_UNAVAILABLE', cohort: 'legacy' },
      text: 'HYBRID (SOURCE_UNAVAILABLE): row 7 of 8, the user is in the arm legacy of dashboard_ab_test, but this disk has no transcripts, and ClickHouse does not have everything yet',
      facts: [
        { name: 'database_bridge_enabled', value: 'on' },
        { name: 'historical_data_enabled', value: 'on' },
        { name: 'user_source_choice_enabled', value: 'on' },
        { name: 'dashboard_ab_test', value: 'legacy' },
        { name: 'there is a database', value: 'yes' },
        { name: 'the guard has tripped', value: 'no' },
        { name: 'the range begins before the latest migration', value: 'yes' },
        { name: 'the database can be asked', value: 'yes' },
        { name: 'share of the history that is verified', value: '1' },
        { name: 'MIGRATION_PROGRESS_THRESHOLD', value: '0.95' },
        { name: 'everything in the logs is published', value: 'no' },
        { name: 'this disk has transcripts', value: 'no' },
        { name: 'what the user chose, where that counts', value: 'AUTO' },
      ],
    })
  })

  test('an explanation decides as the decision does, and names its reason', () => {
    fc.assert(
      fc.property(anyFacts, (given) => {
        const { decision, text } = explainDecision(given)
        expect(decision).toEqual(decideSource(given))
        expect(text).toContain(`${decision.source} (${decision.reason})`)
      }),
    )
  })
})
