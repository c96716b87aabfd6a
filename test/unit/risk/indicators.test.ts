import { describe, expect, test } from 'vitest'
import { createRiskMeasures } from '../../../src/composition/risk-measures.ts'
import { watchIngests, watchOperations } from '../../../src/composition/risk-observed.ts'
import type { Verification } from '../../../src/domain/migration.ts'
import type { MigrationReport } from '../../../src/migration/run-report.ts'
import type { Metrics } from '../../../src/observability/metrics.ts'
import { readEntered } from '../../../src/risk/entered.ts'
import {
  type EnteredName,
  INDICATOR_NAMES,
  type IndicatorName,
  type IndicatorState,
  type MeasuredName,
  rowOf,
} from '../../../src/risk/indicators.ts'
import { RISKS } from '../../../src/risk/risks.ts'
import { createSteadyClock } from '../../../src/risk/steady-clock.ts'
import { createRiskWatch, type Measured } from '../../../src/risk/watch.ts'
import type { Ingest } from '../../../src/writing/ingest.ts'

const MINUTE_MS = 60_000

/** A server's parts, of which a test says what happens to them; the measurements are the server's own. */
function scene() {
  const world = {
    now: Date.parse('2026-04-02T09:00:00Z'),
    run: undefined as Partial<MigrationReport> | undefined,
    isReachable: true,
    latencyMs: undefined as number | undefined,
    cacheMs: undefined as number | undefined,
    flagsMs: undefined as number | undefined,
    keysMs: undefined as number | undefined,
    troubles: { refused: 0, denied: 0 },
    load: undefined as { diskShare: number | null; cpuSeconds: number; cores: number } | undefined,
    denials: 0,
    alarms: { requests: 0, records: 0, failures: 0 },
    compared: { agreed: 0, differed: 0 },
    memory: 50e6,
    taken: 0.1,
    file: '{}',
  }
  const now = () => world.now
  const ingests = watchIngests(now, now)
  const operations = watchOperations(now)
  const metrics = operations.watch({ error() {}, operation() {} } as unknown as Metrics)
  const side = {
    isReachable: () => world.isReachable,
    latencyMs: () => world.latencyMs,
    troubles: () => world.troubles,
    load: async () => world.load,
    runs: () => ({ report: () => world.run }),
  }
  const { measures, look } = createRiskMeasures({
    config: { dataDir: '/data', journalDir: '/journal' },
    database: { current: () => side, health: () => ({ state: 'UP', detail: '' }) } as never,
    reading: { cacheHealth: () => ({ state: 'UP', detail: '', latencyMs: world.cacheMs }) },
    flags: { health: () => ({ state: 'UP', detail: '', latencyMs: world.flagsMs }) },
    access: {
      slowestKeys: () => (world.keysMs === undefined ? undefined : { host: 'login.example', ms: world.keysMs }),
    },
    audit: { denials: () => world.denials, figures: () => ({ position: 0, isWritable: true, alarms: world.alarms }) },
    shadow: {
      evidence: {
        answered() {},
        comparisons: () => world.compared.agreed + world.compared.differed,
        consistency: () => world.compared.agreed / (world.compared.agreed + world.compared.differed),
      },
    },
    ingests,
    operations,
    memory: () => world.memory,
    taken: async () => world.taken,
    now,
  })
  const failed: string[] = []
  const watch = createRiskWatch({
    measures,
    entered: async () => readEntered(world.file, world.now).figures,
    now,
    onFailed: (name) => failed.push(name),
  })
  const stateOf = async (name: IndicatorName): Promise<IndicatorState | undefined> =>
    (await watch.evaluate()).find((one) => one.name === name)?.state
  const ingest = async (ms: number, times = 1): Promise<void> => {
    const slow = ingests.watch<Pick<Ingest, 'submit'>>({
      async submit() {
        world.now += ms
        return {} as never
      },
    })
    for (let i = 0; i < times; i++) await slow.submit({} as never)
  }
  const waiting = (calls: number): void => {
    const never = ingests.watch<Pick<Ingest, 'submit'>>({ submit: () => new Promise<never>(() => undefined) })
    for (let i = 0; i < calls; i++) void never.submit({} as never)
  }
  const operate = (all: number, code?: string, seconds = 0.01): void => {
    for (let i = 0; i < all; i++) {
      if (code !== undefined) metrics.error(code)
      metrics.operation('query', code === undefined ? 'ok' : 'error', seconds)
    }
  }
  return { world, watch, stateOf, ingest, waiting, operate, look, failed }
}
type Scene = ReturnType<typeof scene>

const run = (more: Partial<MigrationReport>): Partial<MigrationReport> => ({
  state: 'COMPLETED',
  startedAt: Date.parse('2026-04-02T09:00:00Z'),
  finishedAt: Date.parse('2026-04-02T09:10:00Z'),
  tokensTotal: 1_000_000n,
  difference: 0n,
  errorRate: null,
  ...more,
})
const verified = (logsCompared: number, differing: number, more: Partial<Verification> = {}) =>
  run({
    verification: {
      at: 0,
      difference: '0',
      logsCompared,
      logsDiffering: Array(differing).fill('a'),
      differences: [],
      damagedBatches: null,
      winnersDiffer: null,
      surplusLogs: [],
      archivedTokens: '0',
      ...more,
    },
  })
const file = (name: EnteredName, value: number): string =>
  JSON.stringify({ [name]: { value, at: '2026-04-01T09:00:00Z' } })

type Edge = [state: IndicatorState, happens: (scene: Scene) => unknown]
const enteredEdges = (name: EnteredName, ...edges: [IndicatorState, number][]): Edge[] =>
  edges.map(([state, value]) => [state, ({ world }) => (world.file = file(name, value))])

/** What happens to the server, and the state that it must come to. Each begins anew. */
const EDGES: Record<IndicatorName, Edge[]> = {
  token_count_variance: [
    ['UNKNOWN', () => undefined],
    ['UNKNOWN', ({ world }) => (world.run = run({ difference: null }))],
    ['UNKNOWN', ({ world }) => (world.run = run({ state: 'ROLLED_BACK', difference: 5000n }))],
    ['OK', ({ world }) => (world.run = run({ difference: 9n }))],
    ['ALARM', ({ world }) => (world.run = run({ difference: 10n }))],
    ['ALARM', ({ world }) => (world.run = run({ difference: 999n }))],
    ['BREACHED', ({ world }) => (world.run = run({ difference: 1000n }))],
  ],
  verification_difference: [
    ['UNKNOWN', () => undefined],
    ['OK', ({ world }) => (world.run = run({ difference: 0n }))],
    ['BREACHED', ({ world }) => (world.run = run({ difference: 1n }))],
    ['OK', ({ world }) => (world.run = verified(3, 0))],
    ['BREACHED', ({ world }) => (world.run = verified(3, 0, { winnersDiffer: true }))],
    ['BREACHED', ({ world }) => (world.run = verified(3, 0, { damagedBatches: ['a batch'] }))],
  ],
  migration_error_rate: [
    ['UNKNOWN', ({ world }) => (world.run = run({}))],
    ['OK', ({ world }) => (world.run = run({ errorRate: 0.0009 }))],
    ['ALARM', ({ world }) => (world.run = run({ errorRate: 0.001 }))],
    ['BREACHED', ({ world }) => (world.run = run({ errorRate: 0.01 }))],
  ],
  validation_failure_rate: [
    ['UNKNOWN', ({ world }) => (world.run = run({}))],
    ['OK', ({ world }) => (world.run = verified(2000, 1))],
    ['BREACHED', ({ world }) => (world.run = verified(1000, 1))],
  ],
  migration_duration: [
    ['UNKNOWN', () => undefined],
    ['OK', (scene) => carriedFor(scene, 1799)],
    ['BREACHED', (scene) => carriedFor(scene, 1800)],
    ['OK', (scene) => carriedFor(scene, 1800, { state: 'COMPLETED' })],
  ],
  migration_over_estimate: [
    ['UNKNOWN', (scene) => carriedFor(scene, 200)],
    ['OK', (scene) => carriedFor(scene, 149, { estimatedSeconds: 100 })],
    ['ALARM', (scene) => carriedFor(scene, 150, { estimatedSeconds: 100 })],
    ['BREACHED', (scene) => carriedFor(scene, 300, { estimatedSeconds: 100 })],
    ['OK', (scene) => carriedFor(scene, 89, { estimatedSeconds: 1 })],
    ['ALARM', (scene) => carriedFor(scene, 90, { estimatedSeconds: 1 })],
  ],
  storage_response_time: [
    ['UNKNOWN', () => undefined],
    ['OK', ({ ingest }) => ingest(149)],
    ['ALARM', ({ ingest }) => ingest(150)],
    ['BREACHED', ({ ingest }) => ingest(180)],
    // one of a hundred may take longer
    ['OK', ({ ingest }) => ingest(1, 99).then(() => ingest(500))],
    ['BREACHED', ({ ingest }) => ingest(1, 98).then(() => ingest(500, 2))],
    ['UNKNOWN', ({ world, ingest }) => ingest(500).then(() => (world.now += 5 * MINUTE_MS + 1))],
  ],
  storage_pending: [
    ['OK', ({ waiting }) => waiting(99)],
    ['ALARM', ({ waiting }) => waiting(100)],
  ],
  memory_usage: [
    ['UNKNOWN', (scene) => held(scene, 59, 180e6)],
    ['OK', (scene) => held(scene, 60, 149e6)],
    ['ALARM', (scene) => held(scene, 60, 150e6)],
    ['BREACHED', (scene) => held(scene, 60, 180e6)],
    // garbage that was collected in between
    ['OK', (scene) => [held(scene, 60, 190e6), held(scene, 5, 100e6), held(scene, 55, 190e6)]],
    ['BREACHED', (scene) => [held(scene, 60, 100e6), held(scene, 65, 190e6)]],
  ],
  pool_exhausted: [
    ['OK', () => undefined],
    ['ALARM', ({ world }) => (world.troubles = { refused: 1, denied: 0 })],
    ['OK', (scene) => later(scene, () => (scene.world.troubles = { refused: 1, denied: 0 }))],
  ],
  database_denials: [
    ['OK', () => undefined],
    ['ALARM', ({ world }) => (world.troubles = { refused: 0, denied: 1 })],
  ],
  database_cpu: [
    ['UNKNOWN', ({ world }) => (world.load = { diskShare: 0, cpuSeconds: 5, cores: 4 })],
    ['OK', (scene) => busyFor(scene, 60 * 4 * 0.69)],
    ['ALARM', (scene) => busyFor(scene, 60 * 4 * 0.7)],
  ],
  database_disk: [
    ['OK', ({ world }) => (world.load = { diskShare: 0.79, cpuSeconds: 0, cores: 1 })],
    ['ALARM', ({ world }) => (world.load = { diskShare: 0.8, cpuSeconds: 0, cores: 1 })],
    ['BREACHED', ({ world }) => (world.load = { diskShare: 0.9, cpuSeconds: 0, cores: 1 })],
    // embedded: the disk of this machine
    ['ALARM', ({ world }) => (world.taken = 0.85)],
  ],
  database_unreachable: [
    ['OK', () => undefined],
    ['OK', (scene) => awayFor(scene, 29)],
    ['ALARM', (scene) => awayFor(scene, 30)],
    ['BREACHED', (scene) => awayFor(scene, 60)],
    [
      'OK',
      (scene) => {
        awayFor(scene, 60)
        scene.world.isReachable = true
      },
    ],
  ],
  database_latency: [
    ['UNKNOWN', () => undefined],
    ['OK', ({ world }) => (world.latencyMs = 99)],
    ['ALARM', ({ world }) => (world.latencyMs = 100)],
  ],
  cache_latency: [
    ['UNKNOWN', () => undefined],
    ['OK', ({ world }) => (world.cacheMs = 99)],
    ['ALARM', ({ world }) => (world.cacheMs = 100)],
  ],
  flags_latency: [
    ['UNKNOWN', () => undefined],
    ['OK', ({ world }) => (world.flagsMs = 99)],
    ['ALARM', ({ world }) => (world.flagsMs = 100)],
  ],
  keys_latency: [
    ['UNKNOWN', () => undefined],
    ['OK', ({ world }) => (world.keysMs = 99)],
    ['ALARM', ({ world }) => (world.keysMs = 100)],
  ],
  journal_disk: [
    ['OK', ({ world }) => (world.taken = 0.79)],
    ['ALARM', ({ world }) => (world.taken = 0.8)],
    ['BREACHED', ({ world }) => (world.taken = 0.9)],
  ],
  dashboard_answer_time: [
    ['UNKNOWN', () => undefined],
    ['OK', ({ operate }) => operate(1, undefined, 2.49)],
    ['ALARM', ({ operate }) => operate(1, undefined, 2.5)],
    ['BREACHED', ({ operate }) => operate(1, undefined, 3)],
  ],
  api_error_rate: [
    ['UNKNOWN', ({ operate }) => operate(19, 'SOURCE_UNAVAILABLE')],
    ['OK', ({ operate }) => [operate(1, 'SOURCE_UNAVAILABLE'), operate(100)]],
    ['BREACHED', ({ operate }) => [operate(1, 'INTERNAL_SERVER_ERROR'), operate(99)]],
    // of whoever asked, not of the bridge
    ['OK', ({ operate }) => operate(100, 'INVALID_ARGUMENT')],
  ],
  data_consistency_score: [
    ['UNKNOWN', ({ world }) => (world.compared = { agreed: 0, differed: 19 })],
    ['OK', ({ world }) => (world.compared = { agreed: 99, differed: 1 })],
    ['BREACHED', ({ world }) => (world.compared = { agreed: 98, differed: 1 })],
  ],
  authentication_failures: [
    ['OK', ({ world }) => (world.denials = 59)],
    ['ALARM', ({ world }) => (world.denials = 60)],
    ['BREACHED', ({ world }) => (world.denials = 600)],
  ],
  unusual_access: [
    ['OK', () => undefined],
    ['ALARM', ({ world }) => (world.alarms = { ...world.alarms, records: 1 })],
  ],
  dashboard_load_time: enteredEdges('dashboard_load_time', ['OK', 2.49], ['BREACHED', 2.5]),
  test_coverage: enteredEdges('test_coverage', ['OK', 0.95], ['ALARM', 0.9499], ['ALARM', 0.9], ['BREACHED', 0.8999]),
  flaky_tests: enteredEdges('flaky_tests', ['OK', 0], ['ALARM', 1]),
  hotfixes: enteredEdges('hotfixes', ['OK', 2], ['ALARM', 3]),
  velocity_shortfall: enteredEdges('velocity_shortfall', ['OK', 0.19], ['ALARM', 0.2]),
  debt_growth: enteredEdges('debt_growth', ['OK', 0], ['ALARM', 1]),
}

function carriedFor({ world }: Scene, seconds: number, more: Partial<MigrationReport> = {}): void {
  world.run = run({ state: 'RUNNING', startedAt: world.now, finishedAt: null, ...more })
  world.now += seconds * 1000
}

async function later({ world, watch }: Scene, happens: () => unknown): Promise<void> {
  happens()
  await watch.evaluate()
  world.now += 5 * MINUTE_MS
}

async function busyFor({ world, watch }: Scene, cpuSeconds: number): Promise<void> {
  world.load = { diskShare: 0, cpuSeconds: 1000, cores: 4 }
  await watch.evaluate()
  world.now += MINUTE_MS
  world.load = { ...world.load, cpuSeconds: 1000 + cpuSeconds }
}

function held({ world, look }: Scene, seconds: number, bytes: number): void {
  world.memory = bytes
  for (let left = seconds; left > 0; left -= 5) {
    look()
    world.now += Math.min(5, left) * 1000
  }
}

function awayFor({ world, look }: Scene, seconds: number): void {
  world.isReachable = false
  look()
  world.now += seconds * 1000
}

describe('an indicator of risk', () => {
  const edges = Object.entries(EDGES).flatMap(([name, all]) =>
    all.map(([state, happens], index) => [name as IndicatorName, state, index, happens] as const),
  )
  test.each(edges)('%s comes to %s by what is measured (%i)', async (name, state, _index, happens) => {
    const one = scene()
    await happens(one)
    expect(await one.stateOf(name)).toBe(state)
    expect(one.failed).toEqual([])
  })

  test('that is entered says so, and is unknown where nobody entered it, or a month ago', async () => {
    const one = scene()
    const coverage = async () => (await one.watch.evaluate()).find(({ name }) => name === 'test_coverage')
    expect(await coverage()).toMatchObject({ state: 'UNKNOWN', value: null, measuredAt: null })
    one.world.file = JSON.stringify({ test_coverage: { value: 0.97, at: '2026-04-01T09:00:00Z', by: 'CI run 12' } })
    expect(await coverage()).toMatchObject({
      state: 'OK',
      value: 0.97,
      measuredAt: Date.parse('2026-04-01T09:00:00Z'),
      source: expect.stringMatching(/^entered: .* \(CI run 12\)$/),
    })
    one.world.now += 31 * 86_400_000
    expect(await coverage()).toMatchObject({ state: 'UNKNOWN', value: null })
  })

  test('of several sets of keys says which one is the slowest', async () => {
    const one = scene()
    one.world.keysMs = 120
    const found = (await one.watch.evaluate()).find(({ name }) => name === 'keys_latency')
    expect(found).toMatchObject({ value: 120, source: expect.stringMatching(/the slowest set \(login\.example\)$/) })
  })

  test('whose measurement fails is unknown, and the others are measured', async () => {
    const measures = Object.fromEntries(
      INDICATOR_NAMES.map((name) => [name, () => ({ value: 0 })]),
    ) as unknown as Record<MeasuredName, () => Measured>
    const failed: string[] = []
    const watch = createRiskWatch({
      measures: { ...measures, journal_disk: () => Promise.reject(new Error('no such folder')) },
      entered: async () => ({}),
      now: Date.now,
      onFailed: (name) => failed.push(name),
    })
    const states = new Map((await watch.evaluate()).map(({ name, state }) => [name, state]))
    expect(failed).toEqual(['journal_disk'])
    expect(states.get('journal_disk')).toBe('UNKNOWN')
    expect(states.get('memory_usage')).toBe('OK')
  })

  test('that cannot be measured in time is unknown, and holds up no other, nor a later look', async () => {
    const measures = Object.fromEntries(
      INDICATOR_NAMES.map((name) => [name, () => ({ value: 0 })]),
    ) as unknown as Record<MeasuredName, () => Measured>
    const failed: string[] = []
    const watch = createRiskWatch({
      measures: { ...measures, journal_disk: () => new Promise(() => undefined) },
      entered: () => new Promise(() => undefined),
      now: Date.now,
      onFailed: (name, error) => failed.push(`${name}: ${(error as Error).message}`),
      withinMs: 20,
    })
    for (let i = 0; i < 2; i++) {
      const states = new Map((await watch.evaluate()).map(({ name, state }) => [name, state]))
      expect([states.get('journal_disk'), states.get('test_coverage'), states.get('memory_usage')]).toEqual([
        'UNKNOWN',
        'UNKNOWN',
        'OK',
      ])
    }
    expect(failed).toContain('journal_disk: it took too long')
  })

  test('belongs to one risk, which has one at least', () => {
    expect(RISKS.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7])
    expect(RISKS.flatMap(({ indicators }) => indicators).sort()).toEqual([...INDICATOR_NAMES].sort())
    for (const { indicators } of RISKS) expect(indicators.length).toBeGreaterThan(0)
  })

  test('has a line at least, and its alarm before its threshold', () => {
    for (const name of INDICATOR_NAMES) {
      const { alarm, threshold, bad } = rowOf(name)
      expect(alarm ?? threshold, name).not.toBeNull()
      if (alarm !== null && threshold !== null)
        expect(bad === 'above' ? alarm < threshold : alarm > threshold).toBe(true)
    }
  })
})

describe('figures that are entered', () => {
  test.each([
    ['{', 'it is no JSON'],
    ['[]', /expected record/],
    ['{"test_coverage": 0.9}', /test_coverage/],
    ['{"test_coverage": {"value": "0.9", "at": "2026-04-01T09:00:00Z"}}', /test_coverage.value/],
    ['{"test_coverage": {"value": 0.9, "at": "yesterday"}}', /test_coverage.at/],
    ['{"memory_usage": {"value": 1, "at": "2026-04-01T09:00:00Z"}}', 'memory_usage is no indicator that is entered'],
    ['{"constructor": {"value": 1, "at": "2026-04-01T09:00:00Z"}}', 'constructor is no indicator that is entered'],
    ['{"test_coverage": {"value": 0.9, "at": "2026-04-03T09:00:00Z"}}', 'test_coverage is of a time to come'],
  ])('that are wrong tell nothing, and say why: %s', (text, mistake) => {
    const { figures, mistakes } = readEntered(text, Date.parse('2026-04-02T09:00:00Z'))
    expect(figures).toEqual({})
    expect(mistakes.join('; ')).toMatch(mistake)
  })
})

describe('the clock of the watch', () => {
  test('goes on while the clock of the system goes back', () => {
    const system = { wall: 1_000_000, passed: 0 }
    const clock = createSteadyClock(
      () => system.wall,
      () => system.passed,
    )
    system.wall -= 3_600_000
    system.passed += 500
    expect(clock.now()).toBe(1_000_500)
    system.wall += 2 * 3_600_000
    expect(clock.now()).toBe(4_600_000)
    clock.notBefore(5_000_000)
    expect(clock.now()).toBe(5_000_000)
  })
})
