import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // type-graphql and the tests must meet the same copy of graphql
    server: { deps: { inline: ['graphql', 'type-graphql'] } },
    testTimeout: 60_000,
    coverage: {
      provider: 'v8',
      include: ['src/domain/**', 'src/reading/**', 'src/enhanced-analysis/**'],
      exclude: [
        // compiled to WebAssembly
        'src/enhanced-analysis/line-scanner/assembly/**',
        // run in threads of their own, where coverage does not see them; tested through what starts them
        'src/enhanced-analysis/scan-worker.ts',
        'src/enhanced-analysis/analysis-thread.ts',
      ],
      thresholds: { lines: 95 },
      reporter: ['text-summary', 'json-summary'],
    },
  },
})
