import { appendFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ALL_CASES } from '../support/all-cases.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { ask, history, migrate, operate, QUESTION, untilSource, WITH_DATABASE } from '../support/small-history.ts'
import { line } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

const INGEST = `mutation ($input: IngestTokenRecordsInput!) { ingestTokenRecords(input: $input) { accepted durability } }`
const record = (messageId: string) => ({
  sessionId: 'session-9',
  project: 'q',
  model: 'claude-opus-4-1',
  occurredAt: '2026-04-05T00:00:00Z',
  tokens: { input: '1000', output: '1' },
  messageId,
})
const ingest = (server: TestServer, ...ids: string[]) =>
  server.ask(INGEST, { input: { records: ids.map(record) } }, ['ingester'])

describe('the bridge', () => {
  test('a migration moves the answers from the files to ClickHouse, and the numbers stay the same', async () => {
    const server = await startServer(history(), WITH_DATABASE)
    const before = await until('the database to be open', async () => {
      const answer = await ask(server)
      return answer.provenance.reason === 'SOURCE_UNAVAILABLE' ? undefined : answer
    })
    expect(before.provenance).toEqual({
      source: 'LEGACY',
      reason: 'MIGRATION_BELOW_THRESHOLD',
      cohort: null,
      migrationProgress: 0,
    })
    expect(before.unshippedBytes).not.toBe('0')
    const migration = await migrate(server)
    expect(migration).toMatchObject({
      state: 'COMPLETED',
      progress: 1,
      filesTotal: 3,
      filesVerified: 3,
      filesFailed: 0,
      difference: '0',
      error: null,
      tokensTotal: before.figures.tokens.total,
      tokensVerified: before.figures.tokens.total,
    })
    const after = await untilSource(server, 'CLICKHOUSE')
    expect(after).toEqual({
      provenance: { source: 'CLICKHOUSE', reason: 'ROLLOUT', cohort: null, migrationProgress: 1 },
      figures: before.figures,
      unshippedBytes: '0',
    })
    const titled = after.figures.sessions.edges.map(({ node }: { node: { id: string; title: string } }) => node)
    expect(titled.find(({ id }: { id: string }) => id === 'session-3')).toMatchObject({ title: 'The third' })
    for (const filter of [
      { projects: ['q'] },
      { models: ['claude-opus-4-1'] },
      { from: '2026-04-02T12:00:00Z' },
      { to: '2026-04-03T00:00:00Z', sessionIds: ['session-1'] },
      { users: ['nobody'] },
    ]) {
      const legacy = await ask(server, { filter, preference: 'LEGACY' })
      const clickhouse = await ask(server, { filter, preference: 'CLICKHOUSE' })
      expect(legacy.provenance).toMatchObject({ source: 'LEGACY', reason: 'USER_PREFERENCE' })
      expect(clickhouse.provenance).toMatchObject({ source: 'CLICKHOUSE', reason: 'USER_PREFERENCE' })
      expect(clickhouse.figures).toEqual(legacy.figures)
    }
  })

  test('is restarted where it was, and a second migration cannot begin beside a running one', async () => {
    const folder = history()
    const first = await startServer(folder, WITH_DATABASE)
    await migrate(first)
    const { figures } = await untilSource(first, 'CLICKHOUSE')
    await first.close()
    const second = await startServer(folder, WITH_DATABASE)
    expect((await untilSource(second, 'CLICKHOUSE')).figures).toEqual(figures)
    const answers = await Promise.all(
      Array.from({ length: 3 }, () => second.ask('mutation { startMigration { id } }', {}, ['operator'])),
    )
    expect(answers.filter(({ errors }) => errors?.[0]?.extensions.code === 'CONFLICT')).toHaveLength(2)
  })

  test('a migration that is paused carries nothing until it is resumed, also over a restart; it can be verified again', async () => {
    const folder = history()
    const first = await startServer(folder, WITH_DATABASE)
    const change = (server: TestServer, name: string, id: string) =>
      server.ask(`mutation ($id: ID!) { ${name}Migration(id: $id) { state difference } }`, { id }, ['operator'])
    const started = await operate(first, 'startMigration { id }')
    const { id } = started.data.startMigration
    // a small history may be through before it can be paused: then there is nothing to pause
    const paused = await change(first, 'pause', id)
    const wasPaused = paused.errors === undefined
    if (wasPaused) expect(paused.data.pauseMigration.state).toBe('PAUSED')
    else expect(paused.errors?.[0]?.extensions.code).toBe('CONFLICT')
    await first.close()
    const second = await startServer(folder, WITH_DATABASE)
    if (wasPaused) {
      const again = await operate(second, 'startMigration { id }')
      expect(again.errors?.[0]?.extensions.code).toBe('CONFLICT')
      expect((await change(second, 'resume', id)).data.resumeMigration.state).toBe('RUNNING')
    }
    await untilSource(second, 'CLICKHOUSE')
    // everything is there before the run has looked at it as a whole
    await until('the run to end', async () => {
      const { data } = await second.ask('{ migration { state } }', {}, ['operator'])
      return data.migration.state === 'COMPLETED' ? true : undefined
    })
    expect((await change(second, 'resume', id)).errors?.[0]?.extensions.code).toBe('CONFLICT')
    expect((await change(second, 'verify', id)).data.verifyMigration).toEqual({ state: 'COMPLETED', difference: '0' })
    expect((await change(second, 'verify', 'nobody')).errors?.[0]?.extensions).toMatchObject({
      code: 'INVALID_ARGUMENT',
      argument: 'id',
    })
  })

  test('new lines, new files and renamed files are shipped after the migration; what is pruned stays counted', async () => {
    const folder = history()
    const server = await startServer(folder, WITH_DATABASE)
    await migrate(server)
    const at = (name: string) => join(folder, 'projects', name)
    appendFileSync(at('p/a.jsonl'), `${line({ id: 'msg_5', usage: { input_tokens: 100 } })}\n`)
    writeFileSync(at('p/d.jsonl'), `${line({ id: 'msg_6', usage: { input_tokens: 1000 } })}\n`)
    // cached answers may be stale for a moment
    const same = (total: number) =>
      until(`${total} tokens from ClickHouse and the same from the files`, async () => {
        const { provenance, figures } = await ask(server)
        const legacy = await ask(server, { preference: 'LEGACY' })
        const equal = JSON.stringify(legacy.figures) === JSON.stringify(figures)
        return provenance.source === 'CLICKHOUSE' && equal && figures.tokens.total === String(total) ? true : undefined
      })
    await same(300_057 + 101 + 1001)
    renameSync(at('q/b.jsonl'), at('p/e.jsonl'))
    await until('the renamed file to be of the other project', async () => {
      const { provenance, figures } = await ask(server)
      const projects = Object.fromEntries(
        figures.byProject.map((p: { project: string; tokens: { total: string } }) => [p.project, p.tokens.total]),
      )
      return provenance.source === 'CLICKHOUSE' && projects.q === '300002' ? true : undefined
    })
    await same(300_057 + 101 + 1001)
    rmSync(at('p/d.jsonl'))
    const archived = await until('the pruned file to be archived', async () => {
      const { data } = await server.ask(QUESTION, {}, ['operator'])
      return data.tokenMetrics.quality.archivedTokens === '1001' ? data.tokenMetrics : undefined
    })
    expect(archived.tokens.total).toBe(String(300_057 + 101 + 1001))
  })

  test('what was acknowledged is in the very next answer, whichever source gives it, or the answer says that it is stale', async () => {
    const server = await startServer(history(), WITH_DATABASE)
    await migrate(server)
    const { figures } = await untilSource(server, 'CLICKHOUSE')
    const QUESTIONS = ['AUTO', 'LEGACY', 'CLICKHOUSE'] as const
    const question = (preference: string) =>
      `{ tokenMetrics(preference: ${preference}) { recordCount provenance { source stale } } }`
    const seen = new Set<string>()
    const before = Number(figures.recordCount)
    const calls = ALL_CASES ? 60 : 24
    for (let i = 0; i < calls; i += 2) {
      // the first waits to be told STORED, the second does not: it is asked for before anything is published
      const both = [ingest(server, `msg_next_${i}`), ingest(server, `msg_next_${i + 1}`)]
      await Promise.race(both)
      const answers = await Promise.all(QUESTIONS.map((one) => server.ask(question(one), {}, ['operator'])))
      for (const answer of answers) {
        const { recordCount, provenance } = answer.data.tokenMetrics
        seen.add(`${provenance.source}${provenance.stale ? ' stale' : ''}`)
        if (!provenance.stale) expect(Number(recordCount), provenance.source).toBeGreaterThan(before + i)
      }
      for (const { data } of await Promise.all(both)) expect(data.ingestTokenRecords.accepted).toBe(1)
      // every other time everything is published before the next ones
      if (i % 4 === 0) await untilSource(server, 'CLICKHOUSE')
    }
    expect(seen).toContain('LEGACY')
    await until('each of them once', async () =>
      (await ask(server)).figures.recordCount === String(before + calls) ? true : undefined,
    )
  })

  test('ingested records are stored in ClickHouse, counted once, before and after the migration', async () => {
    const server = await startServer(history(), WITH_DATABASE)
    await until('a call that is told STORED', async () => {
      const input = { idempotencyKey: 'key', records: ['msg_i1', 'msg_4'].map(record) }
      const { data } = await server.ask(INGEST, { input }, ['ingester'])
      return data.ingestTokenRecords.durability === 'STORED' ? true : undefined
    })
    const before = await until('the records', async () => {
      const answer = await ask(server)
      return answer.figures.recordCount === '5' ? answer : undefined
    })
    await migrate(server)
    expect((await untilSource(server, 'CLICKHOUSE')).figures).toEqual(before.figures)
    await ingest(server, 'msg_i2')
    await until('one more record from ClickHouse', async () => {
      const { provenance, figures } = await ask(server)
      return provenance.source === 'CLICKHOUSE' && figures.recordCount === '6' ? true : undefined
    })
  })
})
