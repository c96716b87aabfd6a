import { appendFileSync, cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Scene, useScenes } from '../support/migration-scene.ts'
import type { TestServer } from '../support/server.ts'
import { makeFolder } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

const scene = useScenes()

describe('backup and restore', () => {
  const REPORT = 'folder batches records tokens skipped'
  const restore = async (server: TestServer, name: string) => {
    const { data, errors } = await server.ask(`mutation { restoreMigration(name: "${name}") { ${REPORT} } }`, {}, [
      'operator',
    ])
    if (errors !== undefined) throw Object.assign(new Error(errors[0]?.message), errors[0]?.extensions)
    return data.restoreMigration
  }
  const ingest = (one: Scene) =>
    one.operate(`ingestTokenRecords(input: { records: [
      { sessionId: "s", project: "p", model: "m", occurredAt: "2026-04-02T09:00:00Z", tokens: { input: 1000, output: 0 } }] }) { accepted }`)

  test('what only ClickHouse still has comes back on an empty machine, to the last token, beside the transcripts that are left', async () => {
    const first = await scene()
    await first.migrate()
    await ingest(first)
    await first.answered('CLICKHOUSE', 1080)
    rmSync(first.path('p/b.jsonl'))
    await until('the archive', async () =>
      (await first.answered('CLICKHOUSE', 1080)).archivedTokens === '20' ? true : undefined,
    )
    const saved = await first.operate(`backupMigration(name: "drill") { ${REPORT} }`)
    const noted = await first.server.ask(
      '{ auditEntries(action: "mutation backupMigration") { edges { node { who outcome detail } } } }',
      {},
      ['operator'],
    )
    expect(noted.data.auditEntries.edges).toEqual([
      { node: { who: 'ann', outcome: 'ok', detail: `all=false name=drill records=${saved.records}` } },
    ])
    expect(saved).toMatchObject({ batches: 2, records: 12, tokens: '1022', skipped: 0 })

    const folder = makeFolder()
    cpSync(join(first.server.folder, 'projects'), join(folder, 'projects'), { recursive: true })
    cpSync(String(saved.folder), join(folder, 'data', 'backups', 'drill'), { recursive: true })
    const second = await scene({ folder, write: false })
    expect(await restore(second.server, 'drill')).toMatchObject({ batches: 2, records: 12, skipped: 0 })
    expect(await restore(second.server, 'drill')).toMatchObject({ batches: 0, records: 0, skipped: 2 })
    const id = await second.migrate()
    await second.answered('CLICKHOUSE', 1080)
    expect(await second.operate(`verifyMigration(id: "${id}") { state difference }`)).toEqual({
      state: 'COMPLETED',
      difference: '0',
    })
    // a rollback takes out the transcripts alone
    await second.operate(`rollbackMigration(id: "${id}") { state }`)
    await until('the rollback', async () =>
      (await second.migration('state')).state === 'ROLLED_BACK' ? true : undefined,
    )
    await second.migrate()
    await second.answered('CLICKHOUSE', 1080)
  })

  test('that cannot be written is told with the setting, and the next one can be', async () => {
    const one = await scene()
    await one.migrate()
    const backups = join(one.server.folder, 'data', 'backups')
    writeFileSync(backups, 'a file')
    const { errors } = await one.server.ask('mutation { backupMigration(name: "a") { folder } }', {}, ['operator'])
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'STORAGE_UNAVAILABLE', retryable: true })
    expect(errors?.[0]?.message).toContain(`no backup can be written to BACKUP_DIR ${backups}: `)
    rmSync(backups)
    expect(await one.operate(`backupMigration(name: "a", all: true) { ${REPORT} }`)).toMatchObject({ skipped: 0 })
  })

  test('everything comes back where not even the transcripts are left', async () => {
    const first = await scene()
    await first.migrate()
    const saved = await first.operate(`backupMigration(name: "all", all: true) { ${REPORT} }`)
    const folder = makeFolder()
    cpSync(String(saved.folder), join(folder, 'data', 'backups', 'all'), { recursive: true })
    const second = await scene({ folder, write: false })
    await restore(second.server, 'all')
    await second.migrate()
    await second.answered('CLICKHOUSE', 80)
  })

  test('brings back what a rollback discarded, and it is archived again, not surplus', async () => {
    const one = await scene()
    const id = await one.migrate()
    rmSync(one.path('p/b.jsonl'))
    await until('the archive', async () =>
      (await one.answered('CLICKHOUSE', 80)).archivedTokens === '20' ? true : undefined,
    )
    await one.operate('backupMigration(name: "all", all: true) { folder }')
    await one.operate(`rollbackMigration(id: "${id}", discardArchived: true) { state }`)
    await until('the rollback', async () => ((await one.migration('state')).state === 'ROLLED_BACK' ? true : undefined))
    const second = await one.migrate()
    await one.answered('CLICKHOUSE', 60)
    expect(await restore(one.server, 'all')).toMatchObject({ batches: 3, skipped: 0 })
    expect((await one.answered('CLICKHOUSE', 80)).archivedTokens).toBe('20')
    const verified = `verifyMigration(id: "${second}") { state difference verification { archivedTokens surplusLogs } }`
    expect(await one.operate(verified)).toEqual({
      state: 'COMPLETED',
      difference: '0',
      verification: { archivedTokens: '20', surplusLogs: [] },
    })
  })

  test('mends archived batches that were damaged; a backup that was changed, is of a later format, or has no such name is refused', async () => {
    const one = await scene()
    const id = await one.migrate()
    rmSync(one.path('p/b.jsonl'))
    await until('the archive', async () =>
      (await one.answered('CLICKHOUSE', 80)).archivedTokens === '20' ? true : undefined,
    )
    const { folder } = (await one.operate(`backupMigration(name: "b1") { ${REPORT} }`)) as { folder: string }
    await one.harm("ALTER TABLE copies UPDATE output = 500 WHERE session = 'b' SETTINGS mutations_sync = 2")
    await expect(one.operate(`backupMigration(name: "b2") { ${REPORT} }`)).rejects.toThrow('damaged')
    await expect(one.operate(`backupMigration(name: "b1") { ${REPORT} }`)).rejects.toThrow('there is a backup')
    expect(await restore(one.server, 'b1')).toMatchObject({ batches: 1, records: 11 })
    expect(await one.operate(`verifyMigration(id: "${id}") { state difference }`)).toEqual({
      state: 'COMPLETED',
      difference: '0',
    })
    await one.answered('CLICKHOUSE', 80)

    for (const name of ['../b1', '', 'nothing', '.', 'a/b', 'b1.partial'])
      await expect(restore(one.server, name)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', argument: 'name' })
    const manifest = join(folder, 'manifest.json')
    const text = readFileSync(manifest, 'utf8')
    writeFileSync(manifest, text.replace('"format": 1', '"format": 2'))
    await expect(restore(one.server, 'b1')).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('format 2'),
    })
    writeFileSync(manifest, text)
    appendFileSync(join(folder, 'records.jsonl.gz'), 'x')
    await expect(restore(one.server, 'b1')).rejects.toMatchObject({ message: expect.stringContaining('was changed') })
  })
})
