import { rmSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { useScenes } from '../support/migration-scene.ts'
import { line } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

const scene = useScenes()

describe('verifying and repairing', () => {
  const VERIFIED = `state difference error verification {
    difference logsDiffering damagedBatches winnersDiffer surplusLogs differences { path day firstLine lastLine missing surplus altered } }`

  test.each([
    [
      'a copy that is missing',
      "ALTER TABLE copies DELETE WHERE path LIKE '%a.jsonl' AND session = 'a' AND position < 1000 SETTINGS mutations_sync = 2",
    ],
    [
      'a copy that was altered',
      "ALTER TABLE copies UPDATE output = 900 WHERE session = 'b' SETTINGS mutations_sync = 2",
    ],
    [
      'a copy that was added',
      "INSERT INTO copies SELECT * REPLACE (generateUUIDv4() AS identity) FROM copies WHERE session = 'c' LIMIT 1",
    ],
    ['a winner that is missing', "ALTER TABLE winners DELETE WHERE session = 'b' SETTINGS mutations_sync = 2"],
    [
      'a winner that was altered',
      "INSERT INTO winners SELECT * REPLACE (seq + 1 AS seq, 77 AS output) FROM winners FINAL WHERE session = 'a' LIMIT 1",
    ],
    [
      'a winner that was added',
      'INSERT INTO winners SELECT * REPLACE (generateUUIDv4() AS identity) FROM winners FINAL LIMIT 1',
    ],
    [
      'a batch that was retired',
      "INSERT INTO batches SELECT * REPLACE (version + 1 AS version, 'retired' AS state) FROM batches FINAL LIMIT 1",
    ],
    [
      'a log that was never shipped',
      `INSERT INTO batches SELECT * REPLACE (99 AS batch, replaceRegexpOne(log, '#.*', '#77') AS log, '' AS digest) FROM batches FINAL LIMIT 1`,
    ],
  ])('%s is found, is in no answer, and is mended; what is archived is not taken for surplus', async (_what, sql) => {
    const { path, operate, migrate, completed, answered, harm } = await scene()
    writeFileSync(path('q/gone.jsonl'), `${line({ id: 'msg_gone', session: 'gone' })}\n`)
    await answered('LEGACY', 82)
    const id = await migrate()
    rmSync(path('q/gone.jsonl'))
    await until('the archive', async () =>
      (await answered('CLICKHOUSE', 82)).archivedTokens === '2' ? true : undefined,
    )
    expect(await operate(`verifyMigration(id: "${id}") { ${VERIFIED} }`)).toMatchObject({
      state: 'COMPLETED',
      difference: '0',
      verification: { damagedBatches: [], winnersDiffer: false, surplusLogs: [] },
    })

    await harm(sql)
    const found = await operate(`verifyMigration(id: "${id}") { ${VERIFIED} }`)
    expect(found.state).toBe('FAILED')
    await answered('LEGACY', 80)

    const repair = 'reshipped retired winnersRebuilt lost dryRun migration { state }'
    const plan = await operate(`repairMigration(id: "${id}") { ${repair} }`)
    expect(plan).toMatchObject({ dryRun: true, lost: 0, migration: { state: 'FAILED' } })
    expect(await operate(`verifyMigration(id: "${id}") { state }`)).toEqual({ state: 'FAILED' })
    const done = await operate(`repairMigration(id: "${id}", dryRun: false) { ${repair} }`)
    expect(done).toMatchObject({ ...plan, dryRun: false, migration: { state: 'RUNNING' } })
    await answered('CLICKHOUSE', 82)
    await completed()
    expect(await operate(`verifyMigration(id: "${id}") { ${VERIFIED} history { action } }`)).toMatchObject({
      state: 'COMPLETED',
      difference: '0',
      error: null,
      history: expect.arrayContaining([{ action: 'repair' }]),
    })
  })

  test('one token changed anywhere is named by file, day and line', async () => {
    const { operate, migrate, harm } = await scene()
    const id = await migrate()
    const row = "FROM (SELECT * FROM winners FINAL WHERE session = 'b' ORDER BY position LIMIT 1 OFFSET 6)"
    await harm(`INSERT INTO winners SELECT * REPLACE (seq + 1 AS seq, 2 AS input) ${row}`)
    const { verification, error } = (await operate(`verifyMigration(id: "${id}") { ${VERIFIED} }`)) as never
    expect(verification).toMatchObject({
      difference: '1',
      logsDiffering: ['ann@laptop/p/b.jsonl'],
      differences: [
        {
          path: 'ann@laptop/p/b.jsonl',
          day: '2026-04-02',
          firstLine: 7,
          lastLine: 7,
          missing: 0,
          surplus: 0,
          altered: 1,
        },
      ],
    })
    expect(error).toContain('ann@laptop/p/b.jsonl, 2026-04-02, lines 7 to 7')
  })

  test('what was planted before the run is noticed at its end, by itself: the run is FAILED, and readers are on the files', async () => {
    const { db, operate, migration, answered, completed } = await scene()
    await operate('startMigration { id }')
    await completed()
    await db.command(
      'plant',
      "INSERT INTO winners SELECT * REPLACE (generateUUIDv4() AS identity, 'from nowhere' AS log) FROM winners FINAL LIMIT 1",
    )
    await operate('startMigration { id }')
    await until('the end', async () => ((await migration('state')).state === 'FAILED' ? true : undefined))
    expect(await migration('error difference')).toMatchObject({
      difference: '3',
      error: expect.stringContaining('from nowhere'),
    })
    await answered('LEGACY', 80)
  })

  test('a text that was changed is found, too: the same tokens in another session', async () => {
    const { operate, migrate, harm } = await scene()
    const id = await migrate()
    await harm(
      "INSERT INTO winners SELECT * REPLACE (seq + 1 AS seq, 'c' AS session) FROM (SELECT * FROM winners FINAL WHERE session = 'b' LIMIT 1)",
    )
    expect(await operate(`verifyMigration(id: "${id}") { ${VERIFIED} }`)).toMatchObject({
      state: 'FAILED',
      verification: { winnersDiffer: true, differences: [{ altered: 1, missing: 0 }] },
    })
  })

  test('archived records that are damaged are told as lost, not invented', async () => {
    const { path, operate, migrate, harm, answered } = await scene()
    const id = await migrate()
    rmSync(path('p/b.jsonl'))
    await until('the archive', async () =>
      (await answered('CLICKHOUSE', 80)).archivedTokens === '20' ? true : undefined,
    )
    await harm("ALTER TABLE copies DELETE WHERE session = 'b' SETTINGS mutations_sync = 2")
    const plan = await operate(`repairMigration(id: "${id}") { lost reshipped migration { error } }`)
    expect(plan).toMatchObject({ lost: 1, reshipped: [], migration: { error: expect.stringContaining('backup') } })
  })
})
