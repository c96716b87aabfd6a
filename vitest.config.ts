import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { RunLimit } from './test/support/run-limit.ts'
import { SlowFirst } from './test/support/slow-first.ts'

// each server of a test starts a thread, which compiles a hundred modules: a fifth of a second, if nobody did it before
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('node_modules/.cache/compile', import.meta.url))

const UNIT = ['test/unit/**/*.test.ts']
/** Tests with real parts that, with the unit tests, reach all lines that are promised to be tested. */
const MEASURED = [
  'test/contract/!(record-store-http).test.ts',
  'test/integration/!(hybrid-server|lost-rows|lost-segments|server-away|take-over).test.ts',
  'test/security/{odd-transcript-files,refused-records}.test.ts',
]
const MEASURE_LINES = { MEASURE_LINES: '1' }

export default defineConfig({
  // the copy of graphql that Node's own resolution gives to Apollo and type-graphql, not the one of its `module` field
  resolve: { alias: [{ find: /^graphql$/, replacement: fileURLToPath(import.meta.resolve('graphql')) }] },
  test: {
    projects: [
      { extends: true, test: { name: 'world', include: ['test/**/*.test.ts'], exclude: [...UNIT, ...MEASURED] } },
      { extends: true, test: { name: 'measured', include: MEASURED, env: MEASURE_LINES } },
      // these share what they have loaded: a worker loads the modules once, and not once for each file
      { extends: true, test: { name: 'unit', include: UNIT, isolate: false, env: MEASURE_LINES } },
    ],
    globalSetup: ['test/support/redis-setup.ts'],
    sequence: { sequencer: SlowFirst },
    reporters: ['default', new RunLimit()],
    testTimeout: 180_000,
    // most tests wait for servers and disks now and then: one more than cores leaves none idle
    maxWorkers: availableParallelism() + 1,
    // some start or end a real server on a busy machine
    hookTimeout: 60_000,
    coverage: {
      provider: 'custom',
      customProviderModule: './test/support/measured-lines.ts',
      include: [
        'src/domain/**',
        'src/reading/**',
        'src/risk/**',
        'src/rollout/**',
        'src/writing/**',
        'src/shipping/**',
        'src/migration/**',
        'src/enhanced-analysis/**',
        'src/transcripts/**',
        'src/journal/**',
        'src/clickhouse/**',
        'src/unleash/**',
      ],
      exclude: [
        // AssemblyScript, and what it is compiled to
        'src/transcripts/claude-code/line-scanner/assembly/**',
        '**/*.wasm',
        // run in threads of their own, where coverage does not see them; tested through what starts them
        'src/enhanced-analysis/scanning/scan-worker.ts',
        'src/enhanced-analysis/scanning/hash-worker.ts',
        'src/enhanced-analysis/thread/analysis-thread.ts',
      ],
      thresholds: { lines: 95 },
      reporter: ['text-summary', 'json-summary'],
    },
  },
})
