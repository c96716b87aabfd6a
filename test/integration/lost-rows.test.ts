// A database with fewer rows than its batches say, and a ledger that knows less than its database.
import { cpSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ALL_CASES } from '../support/all-cases.ts'
import { count, type Scene, useScenes } from '../support/migration-scene.ts'
import { line, makeFolder } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

const scene = useScenes()
const OPERATOR = ['viewer', 'operator', 'ingester'] as const
const record = (i: number): string =>
  `{ sessionId: "s${i}", project: "p", model: "m", occurredAt: "2026-04-02T09:00:00Z", tokens: { input: 100, output: 0 } }`
const ingest = (i: number): string => `ingestTokenRecords(input: { records: [${record(i)}] }) { accepted }`

const told = async (server: Scene['server']) => {
  const { data } = await server.ask(
    `{ tokenMetrics { tokens { total } quality { missingRecords } provenance { stale } }
       legacy: tokenMetrics(preference: LEGACY) { provenance { stale } } health { components { name state } } }`,
    {},
    OPERATOR,
  )
  const { tokens, quality, provenance } = data.tokenMetrics
  return {
    total: Number(tokens.total),
    missing: Number(quality.missingRecords),
    stale: provenance.stale,
    legacyStale: data.legacy.provenance.stale,
    clickhouse: data.health.components.find(({ name }: { name: string }) => name === 'clickhouse').state,
  }
}

/** 80 tokens in transcripts, 20 in one that is pruned then, 100 by mutation: 200, all in ClickHouse. */
async function archive(folder: string): Promise<Scene & { id: string }> {
  const made = await scene({ folder })
  const lines = Array.from({ length: 10 }, (_, i) => `${line({ id: `msg_gone_${i}`, session: 'gone' })}\n`)
  writeFileSync(made.path('q/gone.jsonl'), lines.join(''))
  await made.answered('LEGACY', 100)
  const id = await made.migrate()
  await made.operate(ingest(0))
  await made.answered('CLICKHOUSE', 200)
  rmSync(made.path('q/gone.jsonl'))
  await until('the archive', async () =>
    (await made.answered('CLICKHOUSE', 200)).archivedTokens === '20' ? true : undefined,
  )
  return { ...made, id }
}

const WHOLE = { total: 200, missing: 0, stale: false, legacyStale: false, clickhouse: 'UP' }

const BEFORE_A_RUN = [
  "ALTER TABLE copies DELETE WHERE session = 'b' SETTINGS mutations_sync = 2",
  "ALTER TABLE winners DELETE WHERE session = 'b' SETTINGS mutations_sync = 2",
]

describe('a database that lost', () => {
  const losses: [string, string[], string?][] = [
    ['what readers count', ['TRUNCATE TABLE winners']],
    ['part of what readers count', ["ALTER TABLE winners DELETE WHERE session = 'b' SETTINGS mutations_sync = 2"]],
    ['the copies of a transcript', ["ALTER TABLE copies DELETE WHERE session = 'b' SETTINGS mutations_sync = 2"]],
    ['the copies of a transcript, and what readers count of them', BEFORE_A_RUN],
    // what verified the archived ones is gone with them: that stays told
    ['all copies', ['TRUNCATE TABLE copies'], 'DEGRADED'],
    ['its batches', ['TRUNCATE TABLE batches'], 'DEGRADED'],
    ['some batches', ["ALTER TABLE batches DELETE WHERE position(log, '/journal:') > 0 SETTINGS mutations_sync = 2"]],
  ]
  // one loss of a table's part is as another one
  const PARTS = new Set(['part of what readers count', 'the copies of a transcript'])

  test.each(losses.filter(([what]) => ALL_CASES || !PARTS.has(what)))(
    '%s: whoever still has it answers, at the next start and before a run',
    async (_what, harm, clickhouse = 'UP') => {
      const folder = makeFolder()
      const { server, database, harm: run } = await archive(folder)
      await server.close()
      for (const sql of harm) await run(sql)
      const again = await scene({ folder, write: false, database })
      await again.answered('CLICKHOUSE', 200)
      expect(await told(again.server)).toEqual({ ...WHOLE, clickhouse })

      // a run takes stock as a start does
      if (!ALL_CASES && harm !== BEFORE_A_RUN) return
      for (const sql of harm) await run(sql)
      await again.operate('startMigration { id }')
      await again.answered('CLICKHOUSE', 200)
      expect(await told(again.server)).toEqual({ ...WHOLE, clickhouse })
    },
  )

  test('archived records for good: every answer says so and is stale, also after a repair, until a backup is brought back', async () => {
    const folder = makeFolder()
    const { server, database, harm, operate } = await archive(folder)
    await operate('backupMigration(name: "before") { records }')
    await server.close()
    for (const table of ['copies', 'winners'])
      await harm(`ALTER TABLE ${table} DELETE WHERE session = 'gone' SETTINGS mutations_sync = 2`)
    const again = await scene({ folder, write: false, database })
    const lost = { total: 180, missing: 10, stale: true, legacyStale: true, clickhouse: 'DEGRADED' }
    await again.answered('CLICKHOUSE', 180)
    expect(await told(again.server)).toEqual(lost)
    const { id } = await again.migration('id')
    expect(await again.operate(`repairMigration(id: "${id}", dryRun: false) { lost retired }`)).toEqual({
      lost: 1,
      retired: [],
    })
    await again.operate('restoreMigration(name: "before") { records }')
    await until('the backup', async () => ((await told(again.server)).missing === 0 ? true : undefined))
    await again.operate(`verifyMigration(id: "${id}") { state }`)
    await again.answered('CLICKHOUSE', 200)
    expect(await told(again.server)).toEqual(WHOLE)
  })

  test('the batches of archived records: told, and no repair takes out what readers still count', async () => {
    const folder = makeFolder()
    const { server, database, harm } = await archive(folder)
    await server.close()
    await harm('TRUNCATE TABLE batches')
    const again = await scene({ folder, write: false, database })
    await again.answered('CLICKHOUSE', 200)
    expect((await told(again.server)).clickhouse).toBe('DEGRADED')
    const { id } = await again.migration('id')
    const repair = `repairMigration(id: "${id}", dryRun: false) { winnersRebuilt retired }`
    expect(await again.operate(repair)).toEqual({ winnersRebuilt: false, retired: [] })
    expect(await count(again.db, "winners FINAL WHERE session = 'gone'")).toBe(10)
    const { error } = await until('the end of the repair', async () => {
      const run = await again.migration('state error')
      return run.state === 'FAILED' ? run : undefined
    })
    expect(error).toContain('only a backup has them')
    expect(await count(again.db, "winners FINAL WHERE session = 'gone'")).toBe(10)
  })

  test('what readers count is never chosen anew where it is all that is left of archived records', async () => {
    const folder = makeFolder()
    const { server, database, harm, db } = await archive(folder)
    await server.close()
    await harm("ALTER TABLE copies DELETE WHERE session = 'gone' SETTINGS mutations_sync = 2")
    await harm("ALTER TABLE winners DELETE WHERE session = 'b' SETTINGS mutations_sync = 2")
    const again = await scene({ folder, write: false, database })
    // and what is missing beside it is chosen
    await again.answered('CLICKHOUSE', 200)
    const { id } = await again.migration('id')
    await again.operate(`repairMigration(id: "${id}", dryRun: false) { winnersRebuilt }`)
    expect(await count(db, "winners FINAL WHERE session = 'gone'")).toBe(10)
  })
})

describe('a ledger that', () => {
  const lose: [string, (folder: string) => void][] = [
    ['is given back from before', (folder) => cpSync(join(folder, 'old-ledger'), join(folder, 'data', 'ledger'))],
    ['is gone', (folder) => rmSync(join(folder, 'data', 'ledger'))],
  ]
  const more: [string, (folder: string) => void][] = [
    ['with everything else there', () => undefined],
    ['with the journal gone, too', (folder) => rmSync(join(folder, 'data', 'journal'), { recursive: true })],
    ['with the index gone, too', (folder) => rmSync(join(folder, 'data', 'index'), { recursive: true })],
    ['with a transcript gone, too', (folder) => rmSync(join(folder, 'projects', 'p', 'b.jsonl'))],
  ]
  const cases = lose
    .flatMap(([what, one]) => more.map(([also, other]) => [what, also, [one, other]] as const))
    // a ledger that is gone knows no more than one of before; the index is read by the files alone
    .filter(
      ([what, also]) =>
        ALL_CASES ||
        (what === 'is gone' && also !== 'with the index gone, too') ||
        also === 'with everything else there',
    )

  test.each(cases)('%s, %s: everything counts once, and nothing is surplus', async (_what, _also, harms) => {
    const folder = makeFolder()
    const { server, database, operate, answered, path } = await archive(folder)
    cpSync(join(folder, 'data', 'ledger'), join(folder, 'old-ledger'))
    // after that, records come in, a transcript grows, and another one is written anew twice
    await operate(ingest(1))
    writeFileSync(path('p/b.jsonl'), `${line({ id: 'msg_b_more', session: 'b' })}\n`, { flag: 'a' })
    await answered('CLICKHOUSE', 302)
    for (const n of [1, 2]) {
      writeFileSync(
        path('q/c.jsonl'),
        `${line({ id: `msg_anew_${n}`, session: 'c', time: `2026-04-0${n}T10:00:00.000Z` })}\n`,
      )
      await answered('CLICKHOUSE', 302 + 2 * n)
    }
    await server.close()
    for (const harm of harms) harm(folder)
    const again = await scene({ folder, write: false, database })
    await again.operate('startMigration { id }')
    await again.completed()
    await again.answered('CLICKHOUSE', 306)
    const { id } = await again.migration('id')
    const verified = 'state difference verification { surplusLogs winnersDiffer damagedBatches }'
    expect(await again.operate(`verifyMigration(id: "${id}") { ${verified} }`)).toEqual({
      state: 'COMPLETED',
      difference: '0',
      verification: { surplusLogs: [], winnersDiffer: false, damagedBatches: [] },
    })
    await again.operate(`repairMigration(id: "${id}", dryRun: false) { retired }`)
    await again.answered('CLICKHOUSE', 306)
  })
})

describe('everything of the bridge but its database', () => {
  test('that is gone: the database has the run and its progress, and answers all; the files say what they lack', async () => {
    const folder = makeFolder()
    const { id, server, database } = await archive(folder)
    await server.close()
    rmSync(join(folder, 'data'), { recursive: true })
    const again = await scene({ folder, write: false, database })
    await again.answered('CLICKHOUSE', 200)
    expect(await again.migration('id state progress')).toEqual({ id, state: 'COMPLETED', progress: 1 })
    expect(await told(again.server)).toMatchObject({ total: 200, missing: 0, stale: false, legacyStale: true })
  })
})
