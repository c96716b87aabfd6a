import { createHash } from 'node:crypto'
import { readFileSync, rmSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { BOTH_WAYS, count, useScenes } from '../support/migration-scene.ts'
import { makeFolder } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

describe.each(BOTH_WAYS)('on %s', (way) => {
  const scene = useScenes(way)

  describe('a rollback', () => {
    test('puts readers back on the files at once; what came by mutation and what is archived stays; a later run completes', async () => {
      const { server, db, path, operate, migration, migrate, answered } = await scene()
      const id = await migrate()
      const frozen = await migration('recordsTotal duplicateLines refused { reason count } history { by action }')
      expect(frozen).toEqual({
        recordsTotal: '42',
        duplicateLines: '2',
        refused: [{ reason: 'malformed_json', count: '1' }],
        history: [{ by: 'ann', action: 'start' }],
      })
      const { files } = (await migration(
        'files { path bytes sha256 records tokens duplicateLines owners refused { reason count } verified }',
      )) as { files: { path: string }[] }
      const bytes = readFileSync(path('p/b.jsonl'))
      const name = 'ann@laptop/p/b.jsonl'
      expect(files.find((file) => file.path === name)).toEqual({
        path: name,
        bytes: String(bytes.length),
        sha256: createHash('sha256').update(bytes).digest('hex'),
        records: '11',
        tokens: '20',
        duplicateLines: '1',
        owners: ['ann@laptop/p/a.jsonl'],
        refused: [],
        verified: true,
      })
      const record = `{ sessionId: "s", project: "p", model: "m", occurredAt: "2026-04-02T09:00:00Z", tokens: { input: 1000, output: 0 } }`
      await operate(`ingestTokenRecords(input: { records: [${record}] }) { accepted }`)
      await answered('CLICKHOUSE', 1080)
      rmSync(path('p/b.jsonl'))
      // legacy counts what is on disk; what was pruned stays counted in ClickHouse
      const { archivedTokens } = await answered('CLICKHOUSE', 1080)
      await until('the archive to be stated', async () =>
        (await answered('CLICKHOUSE', 1080)).archivedTokens === '20' ? true : undefined,
      )
      expect(['0', '20']).toContain(archivedTokens)

      const rolling = await operate(`rollbackMigration(id: "${id}") { state progress }`)
      expect(rolling).toEqual({ state: 'ROLLING_BACK', progress: 0 })
      // the very next answer, and every one after it
      const next = await server.ask('{ tokenMetrics { tokens { total } provenance { source } } }')
      expect(next.data.tokenMetrics).toEqual({ tokens: { total: '1060' }, provenance: { source: 'LEGACY' } })
      const rolledBack = () =>
        until('the rollback', async () => ((await migration('state')).state === 'ROLLED_BACK' ? true : undefined))
      await rolledBack()
      expect(await operate(`rollbackMigration(id: "${id}") { state progress }`)).toEqual({
        state: 'ROLLED_BACK',
        progress: 0,
      })
      expect(await count(db, "batches FINAL WHERE state = 'published'")).toBe(1)
      expect(await count(db, 'winners FINAL')).toBe(1)
      // the journal's record, and the evidence of what is archived
      expect(await count(db, 'copies')).toBe(1 + 11)

      const second = await migrate()
      await answered('CLICKHOUSE', 1080)
      await operate(`rollbackMigration(id: "${second}", discardArchived: true) { state }`)
      await rolledBack()
      expect(await count(db, 'copies')).toBe(1)
      await migrate()
      await answered('CLICKHOUSE', 1060)
      expect(server.log()).not.toContain('"level":"error"')
    })

    test('of a run that is paused or carrying is safe, and so is one that a restart cuts off', async () => {
      const folder = makeFolder()
      const first = await scene({ folder })
      const { id } = (await first.operate('startMigration { id }')) as { id: string }
      await first.operate(`rollbackMigration(id: "${id}") { state }`)
      await first.server.close()
      const again = await scene({ folder, database: first.database })
      await until('the rollback', async () =>
        (await again.migration('state')).state === 'ROLLED_BACK' ? true : undefined,
      )
      await again.answered('LEGACY', 80)
      expect(await count(again.db, 'winners FINAL')).toBe(0)
      await again.migrate()
      await again.answered('CLICKHOUSE', 80)
    })
  })
})
