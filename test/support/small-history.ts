import { expect } from 'vitest'
import type { TestServer } from './server.ts'
import { line, makeFolder, writeTranscripts } from './transcripts.ts'
import { until } from './until.ts'

export const QUESTION = `query ($filter: TokenFilter, $preference: SourcePreference! = AUTO) {
  tokenMetrics(filter: $filter, preference: $preference) {
    tokens { input output cacheCreation cacheRead total } recordCount sessionCount costUsd firstAt lastAt
    byModel { model tokens { total } } byProject { project tokens { total } } byUser { user tokens { total } } byHost { host tokens { total } }
    breakdown(by: [MODEL, SIDECHAIN, SESSION], granularity: DAY, first: 2) { values { value } isOther label costUsd tokens { total } }
    timeSeries(granularity: DAY) { label tokens { total } }
    filled: timeSeries(granularity: DAY, fill: true, timeZone: "Europe/Berlin") { label costUsd recordCount }
    sessions { totalCount edges { node { id project user host title tokens { total } startedAt lastActivityAt } } }
    quality { duplicateLines refused { reason count } unpricedTokens archivedTokens unshippedBytes }
    provenance { source reason cohort migrationProgress }
  }
}`

export async function ask(server: TestServer, variables: Record<string, unknown> = {}) {
  const { data, errors } = await server.ask(QUESTION, variables, ['operator'])
  expect(errors).toBeUndefined()
  const { provenance, quality, ...figures } = data.tokenMetrics
  const { unshippedBytes, ...rest } = quality
  return { provenance, figures: { ...figures, quality: rest }, unshippedBytes }
}

/** What an operator is answered once the database is open: on a busy machine that takes longer than the start waits. */
export const operate = (server: TestServer, mutation: string) =>
  until('the database to be open', async () => {
    const answer = await server.ask(`mutation { ${mutation} }`, {}, ['viewer', 'operator', 'ingester'])
    return answer.errors?.[0]?.extensions.code === 'SOURCE_UNAVAILABLE' ? undefined : answer
  })

export async function migrate(server: TestServer) {
  const { data, errors } = await operate(server, 'startMigration { id }')
  expect(errors).toBeUndefined()
  return until('the end of the migration', async () => {
    const answer = await server.ask(
      'query ($id: ID!) { migration(id: $id) { id state progress filesTotal filesVerified filesFailed tokensTotal tokensVerified difference startedAt finishedAt error } }',
      { id: data.startMigration.id },
      ['operator'],
    )
    const { migration } = answer.data
    return migration.finishedAt === null ? undefined : migration
  })
}

export const untilSource = (server: TestServer, source: string) =>
  until(`answers from ${source}`, async () => {
    const answer = await ask(server)
    return answer.provenance.source === source ? answer : undefined
  })

const TITLE = JSON.stringify({ type: 'custom-title', customTitle: 'The third', sessionId: 'session-3' })

export function history(): string {
  const folder = makeFolder()
  writeTranscripts(folder, {
    'p/a.jsonl': [
      line({ id: 'msg_1', usage: { output_tokens: 5 } }),
      line({ id: 'msg_1', usage: { output_tokens: 50 } }),
      line({ id: 'msg_2', model: 'claude-opus-4-1', time: '2026-04-03T00:00:00Z' }),
      '{"broken',
    ],
    'q/b.jsonl': [line({ id: 'msg_1', session: 'session-2' }), line({ id: 'msg_3', session: 'session-2' })],
    'q/c.jsonl': `${TITLE}\n${line({ id: 'msg_4', session: 'session-3', usage: { cache_read_input_tokens: 300_000 } })}`,
  })
  return folder
}
export const WITH_DATABASE = { CLICKHOUSE_EMBEDDED: 'on', RESCAN_INTERVAL_MS: '200' }
