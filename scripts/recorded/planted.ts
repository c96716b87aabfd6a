// What is planted in a recorded run, and what of an answer differs from it.
import type { Truth, TruthGroup } from '../../corpus/truth.ts'

/** What must be counted: tokens by kind, records, and tokens by model, project and session. */
export interface Expected {
  total: Record<string, bigint>
  records: bigint
  groups: Record<'model' | 'project' | 'session', Map<string, bigint>>
}

export const nothing = (): Expected => ({
  total: {},
  records: 0n,
  groups: { model: new Map(), project: new Map(), session: new Map() },
})
const add = (map: Map<string, bigint>, key: string, tokens: bigint): void => {
  map.set(key, (map.get(key) ?? 0n) + tokens)
}

export function plant(expected: Expected, truth: Truth): void {
  for (const [kind, tokens] of Object.entries(truth.tokens))
    expected.total[kind] = (expected.total[kind] ?? 0n) + BigInt(tokens)
  expected.records += BigInt(truth.recordCount)
  const groups: [keyof Expected['groups'], Record<string, TruthGroup>][] = [
    ['model', truth.byModel],
    ['project', truth.byProject],
    ['session', truth.bySession],
  ]
  for (const [name, group] of groups)
    for (const [key, { tokens }] of Object.entries(group)) add(expected.groups[name], key, BigInt(tokens.total))
}

export function plantRecord(
  expected: Expected,
  input: bigint,
  of: { model: string; project: string; session: string },
): void {
  for (const kind of ['input', 'total']) expected.total[kind] = (expected.total[kind] ?? 0n) + input
  expected.records++
  for (const name of ['model', 'project', 'session'] as const) add(expected.groups[name], of[name], input)
}

export const QUESTION = `query ($filter: TokenFilter) { tokenMetrics(filter: $filter) {
  tokens { input output cacheCreation cacheRead total } recordCount
  byModel { model tokens { total } } byProject { project tokens { total } }
  sessions(first: 100) { edges { node { id tokens { total } } } }
  quality { unshippedBytes }
  provenance { source reason migrationProgress cache } } }`

interface Counted {
  tokens: { total: string }
}
export interface Metrics {
  tokens: Record<string, string>
  recordCount: string
  byModel: (Counted & { model: string })[]
  byProject: (Counted & { project: string })[]
  sessions: { edges: { node: Counted & { id: string } }[] }
  quality: { unshippedBytes: string }
  provenance: { source: string; reason: string; migrationProgress: number; cache: string }
}

/** What differs from what was planted; empty where nothing does. */
export function differences(metrics: Metrics, expected: Expected): string[] {
  const differ: string[] = []
  for (const [kind, tokens] of Object.entries(expected.total))
    if (BigInt(metrics.tokens[kind] ?? 0) !== tokens) differ.push(`${kind} ${metrics.tokens[kind]}, not ${tokens}`)
  if (BigInt(metrics.recordCount) !== expected.records)
    differ.push(`${metrics.recordCount} records, not ${expected.records}`)
  const groups: [keyof Expected['groups'], Map<string, bigint>][] = [
    ['model', new Map(metrics.byModel.map(({ model, tokens }) => [model, BigInt(tokens.total)]))],
    ['project', new Map(metrics.byProject.map(({ project, tokens }) => [project, BigInt(tokens.total)]))],
    ['session', new Map(metrics.sessions.edges.map(({ node }) => [node.id, BigInt(node.tokens.total)]))],
  ]
  for (const [name, found] of groups) {
    const wanted = expected.groups[name]
    for (const key of new Set([...wanted.keys(), ...found.keys()]))
      if (wanted.get(key) !== found.get(key)) differ.push(`${name} ${key}: ${found.get(key)}, not ${wanted.get(key)}`)
  }
  return differ.slice(0, 5)
}
