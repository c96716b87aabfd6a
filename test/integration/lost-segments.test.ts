// What was acknowledged is never taken out because its log was lost or damaged (rule 10 of domain.md).
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ALL_CASES } from '../support/all-cases.ts'
import { type Scene, useScenes } from '../support/migration-scene.ts'
import { startServer } from '../support/server.ts'
import { makeFolder } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

const scene = useScenes()
const OPERATOR = ['viewer', 'operator', 'ingester'] as const
/** Three calls of 10 records of 100 tokens each. */
const INGESTED = 3000
/** Of the scene's transcripts. */
const TRANSCRIPTS = 80

const record = (i: number): string =>
  `{ sessionId: "s${i}", project: "p", model: "m", occurredAt: "2026-04-02T09:00:00Z", tokens: { input: 100, output: 0 } }`

const ingest = (call: number): string =>
  `ingestTokenRecords(input: { idempotencyKey: "k${call}", records: [${Array.from({ length: 10 }, (_, i) => record(10 * call + i)).join(' ')}] }) { accepted }`

const journalOf = (folder: string): string => join(folder, 'data', 'journal')

const segmentsOf = (folder: string): string[] =>
  readdirSync(journalOf(folder))
    .filter((name) => name.endsWith('.journal'))
    .map((name) => join(journalOf(folder), name))
    .sort()

/** The only segment that holds entries. */
const segmentOf = (folder: string): string => segmentsOf(folder)[0] as string

function change(path: string, edit: (bytes: Buffer) => Buffer): void {
  writeFileSync(path, edit(readFileSync(path)))
}

const flip = (bytes: Buffer, at: number): Buffer => {
  bytes[at] = (bytes[at] as number) ^ 1
  return bytes
}

/** Ways of losing a segment, and the records that can still be read of it. */
const LOSSES: [what: string, lose: (folder: string) => void, left: number][] = [
  ['one bit flipped', (folder) => change(segmentOf(folder), (b) => flip(b, Math.floor(b.length / 2))), 20],
  ['one bit flipped in the head of a frame', (folder) => change(segmentOf(folder), (b) => flip(b, 5)), 20],
  ['cut in half', (folder) => change(segmentOf(folder), (b) => b.subarray(0, Math.floor(b.length / 2))), 10],
  ['emptied', (folder) => truncateSync(segmentOf(folder), 0), 0],
  ['overwritten with noise', (folder) => change(segmentOf(folder), (b) => b.fill(7)), 0],
  ['removed', (folder) => rmSync(segmentOf(folder)), 0],
  ['removed with its folder', (folder) => rmSync(journalOf(folder), { recursive: true }), 0],
]

const state = async (server: Scene['server'], preference: string) => {
  const { data, errors } = await server.ask(
    `{ tokenMetrics(preference: ${preference}) { tokens { total } recordCount quality { missingRecords archivedTokens }
       provenance { source stale } } health { state components { name state detail } } }`,
    {},
    OPERATOR,
  )
  if (errors !== undefined) throw new Error(errors[0]?.message)
  const { tokens, recordCount, quality, provenance } = data.tokenMetrics
  const journal = data.health.components.find(({ name }: { name: string }) => name === 'journal')
  return { total: Number(tokens.total), recordCount: Number(recordCount), quality, ...provenance, journal }
}

/** A scene with a run that is COMPLETED and three calls published, its server closed. */
async function shipped(folder: string): Promise<{ id: string; database: string }> {
  const { database, operate, migrate, answered, server } = await scene({ folder })
  const id = await migrate()
  for (const call of [0, 1, 2]) await operate(ingest(call))
  await answered('CLICKHOUSE', TRANSCRIPTS + INGESTED)
  await server.close()
  return { id, database }
}

/** Of a kind each: a part cannot be read, all of it, and there is nothing. */
const ROLLED_BACK: ReadonlySet<string> = new Set([
  'one bit flipped',
  'overwritten with noise',
  'removed with its folder',
])

describe('a segment of the journal that was shipped, and then', () => {
  test.each(LOSSES)(
    '%s: what was verified in ClickHouse stays, whatever is verified, repaired, rolled back and begun again',
    async (what, lose, left) => {
      const folder = makeFolder()
      const { id, database } = await shipped(folder)
      lose(folder)
      const { server, operate, migration, answered, completed } = await scene({ folder, write: false, database })
      const whole = TRANSCRIPTS + INGESTED
      const still = TRANSCRIPTS + left * 100
      await answered('CLICKHOUSE', whole)
      expect(await state(server, 'CLICKHOUSE')).toMatchObject({
        stale: false,
        quality: { missingRecords: '0', archivedTokens: String(INGESTED - left * 100) },
        journal: { state: 'DEGRADED' },
      })
      // the files lack what only ClickHouse has, and say so
      expect(await state(server, 'LEGACY')).toMatchObject({ total: still, stale: true, source: 'LEGACY' })

      expect(await operate(`verifyMigration(id: "${id}") { state difference verification { surplusLogs } }`)).toEqual({
        state: 'COMPLETED',
        difference: '0',
        verification: { surplusLogs: [] },
      })
      expect(await operate(`repairMigration(id: "${id}", dryRun: false) { retired reshipped lost }`)).toEqual({
        retired: [],
        reshipped: [],
        lost: 0,
      })
      await answered('CLICKHOUSE', whole)

      if (!ALL_CASES && !ROLLED_BACK.has(what)) return
      await operate(`rollbackMigration(id: "${id}", discardArchived: true) { id }`)
      await answered('LEGACY', still)
      await until('the rollback', async () => ((await migration('state')).state === 'ROLLED_BACK' ? true : undefined))
      await operate('startMigration { id }')
      await completed()
      await answered('CLICKHOUSE', whole)

      // and it is the same once more after a restart
      await server.close()
      const again = await scene({ folder, write: false, database })
      await again.answered('CLICKHOUSE', whole)
    },
  )

  test('given back: it counts from the files, too, and no answer is stale', async () => {
    const folder = makeFolder()
    const { id, database } = await shipped(folder)
    const away = join(folder, 'away')
    mkdirSync(away)
    const path = segmentOf(folder)
    const bytes = Buffer.from(readFileSync(path))
    change(path, (b) => flip(b, Math.floor(b.length / 2)))
    const harmed = await scene({ folder, write: false, database })
    await harmed.answered('CLICKHOUSE', TRANSCRIPTS + INGESTED)
    await harmed.server.close()
    writeFileSync(path, bytes)
    const { server, operate, answered } = await scene({ folder, write: false, database })
    await answered('CLICKHOUSE', TRANSCRIPTS + INGESTED)
    expect(await state(server, 'LEGACY')).toMatchObject({ total: TRANSCRIPTS + INGESTED, stale: false })
    expect(await operate(`verifyMigration(id: "${id}") { state difference }`)).toEqual({
      state: 'COMPLETED',
      difference: '0',
    })
  })
})

describe('a segment of the journal that was never shipped, and then', () => {
  test.each(LOSSES)('%s: every answer is stale, and says how many records are missing', async (_what, lose, left) => {
    const folder = makeFolder()
    const first = await startServer(folder)
    for (const call of [0, 1, 2]) await first.ask(`mutation { ${ingest(call)} }`, {}, OPERATOR)
    await first.close()
    lose(folder)
    const server = await startServer(folder)
    expect(server.log()).toContain('the journal is not whole')
    expect(await state(server, 'AUTO')).toMatchObject({
      recordCount: left,
      stale: true,
      quality: { missingRecords: String(30 - left) },
      journal: { state: 'DEGRADED' },
    })
  })

  test('moved away with what says how far it was acknowledged: what is there is all there is', async () => {
    const folder = makeFolder()
    const first = await startServer(folder)
    await first.ask(`mutation { ${ingest(0)} }`, {}, OPERATOR)
    await first.close()
    renameSync(journalOf(folder), join(folder, 'away'))
    rmSync(join(folder, 'data', 'journal-heads'))
    const server = await startServer(folder)
    expect(await state(server, 'AUTO')).toMatchObject({ stale: false, journal: { state: 'UP' } })
  })
})
