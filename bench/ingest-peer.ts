// @clickhouse/client alone: clients that insert batches as fast as the engine takes them.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase } from '../src/clickhouse/database.ts'

const [clients = 1, batch = 1, seconds = 1] = process.argv.slice(2).map(Number)
const folder = mkdtempSync(join(tmpdir(), 'token-bridge-bench-'))
const db = await openDatabase({ url: undefined, user: '', password: '', database: 'bench', folder })
await db.command(
  'create',
  `CREATE TABLE records (id String, session String, project String, model String, time DateTime64(3, 'UTC'),
   input UInt64, output UInt64, cache_creation UInt64, cache_read UInt64)
   ENGINE = MergeTree ORDER BY id SETTINGS fsync_after_insert = 1, fsync_part_directory = 1`,
)
const columns = ['id', 'session', 'project', 'model', 'time', 'input', 'output', 'cache_creation', 'cache_read']
const latencies: number[] = []
let n = 0
const row = () => [
  `msg_${n++}`,
  `session-${n % 500}`,
  `project-${n % 20}`,
  'claude-sonnet-4-5',
  '2026-04-02T09:15:03.120Z',
  4,
  120,
  1800,
  52000,
]
const until = performance.now() + seconds * 1000
await Promise.all(
  Array.from({ length: clients }, async () => {
    while (performance.now() < until) {
      const started = performance.now()
      await db.insert('insert', 'records', columns, Array.from({ length: batch }, row))
      latencies.push(performance.now() - started)
    }
  }),
)
await db.close()
rmSync(folder, { recursive: true, force: true })
latencies.sort((a, b) => a - b)
const at = (share: number): number => latencies[Math.floor(latencies.length * share)] ?? 0
process.send?.({ perSecond: (latencies.length * batch) / seconds, p50: at(0.5), p99: at(0.99) })
