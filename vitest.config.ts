import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { SlowFirst } from './test/support/slow-first.ts'

// each server of a test starts a thread, which compiles a hundred modules: a fifth of a second, if nobody did it before
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('node_modules/.cache/compile', import.meta.url))

export default defineConfig({
  // the copy of graphql that Node's own resolution gives to Apollo and type-graphql, not the one of its `module` field
  resolve: { alias: [{ find: /^graphql$/, replacement: fileURLToPath(import.meta.resolve('graphql')) }] },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/redis-setup.ts'],
    sequence: { sequencer: SlowFirst },
    testTimeout: 180_000,
    // most tests wait for servers and disks now and then: one more than cores leaves none idle
    maxWorkers: availableParallelism() + 1,
    // some start or end a real server on a busy machine
    hookTimeout: 60_000,
    coverage: {
      provider: 'v8',
      include: [
        'src/domain/**',
        'src/reading/**',
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
