// What one user may see of another, where both work in one project.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Role } from '../../src/access/roles.ts'
import type { Scope } from '../../src/domain/scope.ts'
import { startServer, type TestServer } from './server.ts'
import { line, makeFolder } from './transcripts.ts'

export const ANN: Scope[] = [{ users: ['ann'] }]
export const BOB: Scope[] = [{ users: ['bob'] }]
export const SHOP: Scope[] = [{ projects: ['shop'] }]
export const OPERATOR: Role[] = ['viewer', 'operator']
/** Transcripts of ann on laptop and of bob on tower; both work in shop, and bob in a project of his own. */
export async function startTwoUsers(settings: Record<string, string> = {}): Promise<TestServer> {
  const folder = makeFolder()
  const write = (root: string, file: string, lines: string[]): void => {
    const path = join(folder, root, 'projects', file)
    mkdirSync(join(path, '..'), { recursive: true })
    writeFileSync(path, lines.map((one) => `${one}\n`).join(''))
  }
  write('ann', 'shop/a.jsonl', [line({ id: 'msg_1', session: 's-ann', usage: { output_tokens: 10 } })])
  write('bob', 'shop/b.jsonl', [
    line({ id: 'msg_2', session: 's-shared', usage: { output_tokens: 20 } }),
    line({ id: 'msg_2', session: 's-shared', usage: { output_tokens: 20 } }),
    '{"broken',
    JSON.stringify({ type: 'custom-title', customTitle: "bob's title", sessionId: 's-bob' }),
  ])
  write('bob', 'bobs/c.jsonl', [
    line({ id: 'msg_3', session: 's-bob', branch: 'bobs', model: 'bobs-model', usage: { output_tokens: 7_654_321 } }),
  ])
  return startServer(folder, {
    TRANSCRIPTS_DIR: `ann@laptop=${join(folder, 'ann')},bob@tower=${join(folder, 'bob')}`,
    ...settings,
  })
}

export const METRICS = `query ($filter: TokenFilter) { tokenMetrics(filter: $filter) {
  recordCount sessionCount tokens { output } byProject { project } byUser { user recordCount } byHost { host }
  breakdown(by: [USER, PROJECT]) { values { value } recordCount }
  timeSeries(granularity: DAY) { recordCount }
  sessions { totalCount edges { node { id } } }
  quality { duplicateLines refused { reason count } unpricedTokens }
  provenance { cache source }
} }`

/** The values of each row of a breakdown, sorted. */
export const values = (rows: { values: { value: string }[] }[]): string[] =>
  rows.map((row) => row.values.map(({ value }) => value).join(' ')).sort()
