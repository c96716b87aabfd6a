import { appendFileSync, cpSync, renameSync, truncateSync, writeFileSync } from 'node:fs'
import { createClient } from 'graphql-ws'
import { describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { BOTH_WAYS, count, useScenes } from '../support/migration-scene.ts'
import type { TestServer } from '../support/server.ts'
import { line } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

describe.each(BOTH_WAYS)('on %s', (way) => {
  const scene = useScenes(way)

  describe('a dry run', () => {
    test('tells what there is to carry and how long it will take, and writes nothing', async () => {
      const { server, db } = await scene()
      const plan = 'files bytes records batches tokens duplicateLines refused { reason count } estimatedSeconds'
      const { data } = await server.ask(`{ migrationPlan { ${plan} } }`, {}, ['operator'])
      expect(data.migrationPlan).toMatchObject({
        files: 3,
        records: '42',
        batches: 3,
        tokens: '80',
        duplicateLines: '2',
        refused: [{ reason: 'malformed_json', count: '1' }],
      })
      expect(data.migrationPlan.estimatedSeconds).toBeGreaterThan(0)
      expect(await count(db, 'copies')).toBe(0)
      expect((await server.ask('{ migration { id } }', {}, ['operator'])).data.migration).toBeNull()
    })
  })

  describe('a run over nothing', () => {
    test('is refused while the sample answers, and carries the journal as soon as there is one', async () => {
      const { server, migrate, operate, answered } = await scene({ write: false })
      const sample = async () =>
        (await server.ask('{ tokenMetrics { recordCount provenance { source sample } } }')).data.tokenMetrics
      const before = await sample()
      expect(before.provenance).toEqual({ source: 'LEGACY', sample: true })
      const { errors } = await server.ask('mutation { startMigration { id } }', {}, ['operator'])
      expect(errors?.[0]).toMatchObject({
        message: 'there is nothing to migrate: no transcripts were found, and the built-in sample answers',
        extensions: { code: 'CONFLICT' },
      })
      expect(await sample()).toEqual(before)
      await operate(`ingestTokenRecords(input: { records: [
      { sessionId: "s", project: "p", model: "m", occurredAt: "2026-04-02T09:00:00Z", tokens: { input: 7, output: 0 } }] }) { accepted }`)
      await migrate()
      await answered('CLICKHOUSE', 7)
    })
  })

  describe('after a run is COMPLETED', () => {
    test('appended, new, forked, truncated, replaced and renamed files are shipped, and the answers stay right', async () => {
      const { path, operate, migrate, answered } = await scene()
      const id = await migrate()
      appendFileSync(path('p/a.jsonl'), `${line({ id: 'msg_more' })}\n`)
      await answered('CLICKHOUSE', 82)
      writeFileSync(path('q/new.jsonl'), `${line({ id: 'msg_new' })}\n`)
      await answered('CLICKHOUSE', 84)
      cpSync(path('p/b.jsonl'), path('q/fork.jsonl'))
      appendFileSync(path('q/fork.jsonl'), `${line({ id: 'msg_forked' })}\n`)
      await answered('CLICKHOUSE', 86)
      renameSync(path('q/new.jsonl'), path('p/renamed.jsonl'))
      await answered('CLICKHOUSE', 86)
      writeFileSync(`${path('q/c.jsonl')}.new`, `${line({ id: 'msg_replacement' })}\n`)
      renameSync(`${path('q/c.jsonl')}.new`, path('q/c.jsonl'))
      // the nine records that only c had are archived
      await answered('CLICKHOUSE', 88)
      truncateSync(path('q/fork.jsonl'), 0)
      await answered('CLICKHOUSE', 88)
      await until('everything to be exact', async () => {
        const { state, verification } = (await operate(
          `verifyMigration(id: "${id}") { state verification { difference archivedTokens } }`,
        )) as { state: string; verification: { archivedTokens: string } }
        return state === 'COMPLETED' && verification.archivedTokens === '20' ? true : undefined
      })
      await answered('CLICKHOUSE', 88)
    })
  })

  describe('the metrics', () => {
    test('have the progress, rate and difference of the latest run', async () => {
      const { server, migrate } = await scene()
      const read = async () =>
        (
          await fetch(`${server.url}/metrics`, {
            headers: { authorization: `Bearer ${await server.token(['operator'])}` },
          })
        ).text()
      expect(await read()).not.toMatch(/^token_bridge_migration_state\{/m)
      await migrate()
      const text = await read()
      for (const line of [
        'state{state="COMPLETED"} 1',
        'progress_ratio 1',
        'verified_tokens 80',
        'difference_tokens 0',
        'errors_total 0',
      ])
        expect(text).toContain(`\ntoken_bridge_migration_${line}\n`)
    })
  })

  describe('migrationProgressed', () => {
    const follow = async (
      server: TestServer,
      id: string,
      roles: 'operator' | 'viewer' = 'operator',
      query?: string,
    ) => {
      const client = createClient({
        url: `${server.url.replace('http', 'ws')}/graphql`,
        webSocketImpl: WebSocket,
        retryAttempts: 0,
        connectionParams: { authorization: `Bearer ${await server.token([roles])}` },
      })
      onTestFinished(() => void client.dispose())
      return client.iterate<{ migrationProgressed: { state: string; progress: number } }>({
        query: query ?? 'subscription ($id: ID!) { migrationProgressed(id: $id) { state progress } }',
        variables: { id },
      })
    }

    test('tells the run at once, as it goes on, and to its end', async () => {
      const { server, operate } = await scene()
      const { id } = (await operate('startMigration { id }')) as { id: string }
      const seen: string[] = []
      for await (const { data } of await follow(server, id)) seen.push(String(data?.migrationProgressed.state))
      expect(seen.at(-1)).toBe('COMPLETED')
    })

    test('is for operators, by token, and answers nothing but subscriptions', async () => {
      const { server, operate } = await scene()
      const { id } = (await operate('startMigration { id }')) as { id: string }
      const first = async (...asked: Parameters<typeof follow>) => (await (await follow(...asked)).next()).value
      expect((await first(server, id, 'viewer')).errors[0].extensions).toMatchObject({ code: 'FORBIDDEN' })
      expect((await first(server, 'nobody')).errors[0].extensions).toMatchObject({
        code: 'INVALID_ARGUMENT',
        argument: 'id',
      })
      await expect(first(server, id, 'operator', '{ health { state } }')).rejects.toBeDefined()
      await expect(first(server, id, 'operator', 'subscription { nothing }')).rejects.toBeDefined()
      const client = createClient({
        url: `${server.url.replace('http', 'ws')}/graphql`,
        webSocketImpl: WebSocket,
        retryAttempts: 0,
      })
      await expect(client.iterate({ query: 'subscription { x }' }).next()).rejects.toMatchObject({ code: 4401 })
    })
  })
})
