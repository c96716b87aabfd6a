import { identityDigest } from '../src/domain/identity.ts'
import type { RecordCopy } from '../src/domain/token-record.ts'

/** A record as a running agent writes it. */
export const recordOf = (n: number): RecordCopy => ({
  identity: identityDigest(`message:msg_bench_${n}`),
  time: 1_775_000_000_000 + n,
  session: `session-${n % 500}`,
  project: `project-${n % 20}`,
  model: 'claude-sonnet-4-5-20250929',
  user: 'ann',
  host: 'laptop',
  branch: 'main',
  input: 4,
  output: 120,
  cacheRead: 52_000,
  cacheCreation5m: 1800,
  cacheCreation1h: 0,
  sidechain: false,
  byMutation: false,
  stamp: 0,
  position: n,
  path: '/p/a.jsonl',
  offset: n,
})
