// What an earlier release shipped says less of each record than this one does.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Database } from '../../src/clickhouse/database.ts'
import { createPublishedEvidence } from '../../src/clickhouse/published-evidence.ts'
import { createRecordStore } from '../../src/clickhouse/record-store.ts'
import { digestVersion } from '../../src/domain/digest-version.ts'
import { isJournalName } from '../../src/domain/log-name.ts'
import { TEXT_VERSION } from '../../src/domain/record-text.ts'
import { useScenes } from '../support/migration-scene.ts'
import { line, makeFolder, writeTranscripts } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

const scene = useScenes()
const EARLIER = TEXT_VERSION - 1
const INGEST = `ingestTokenRecords(input: { records: [
  { sessionId: "s1", project: "p", model: "m", occurredAt: "2026-04-02T09:00:00Z", tokens: { input: 100, output: 0 } }] }) { accepted }`

/** Gives all batches the digests that they had in an earlier version of the texts. */
async function makeEarlier(db: Database): Promise<void> {
  const store = createRecordStore(db)
  for (const { batch } of await createPublishedEvidence(db).batches()) {
    const digest = (await store.readBack([batch], EARLIER)).get(batch)?.digest
    await db.command(
      'make-earlier',
      'ALTER TABLE batches UPDATE digest = {digest:String} WHERE batch = {batch:UInt64} SETTINGS mutations_sync = 2',
      { digest, batch },
    )
  }
}

/** The versions of the texts that the batches of transcripts, and of the journal, are known by. */
async function versions(db: Database): Promise<{ transcripts: number[]; journal: number[] }> {
  const batches = await createPublishedEvidence(db).batches()
  const of = (journal: boolean): number[] => [
    ...new Set(batches.filter(({ log }) => isJournalName(log) === journal).map(({ digest }) => digestVersion(digest))),
  ]
  return { transcripts: of(false), journal: of(true) }
}

const BREAKDOWN = `{ tokenMetrics { provenance { source }
  breakdown(by: [BRANCH], orderBy: VALUE_ASC) { values { value } tokens { total } } } }`

test('transcripts that an earlier release shipped are shipped anew at the start: branches are there at once, but of what only ClickHouse has', async () => {
  const folder = makeFolder()
  writeTranscripts(folder, {
    'p/a.jsonl': [line({ id: 'msg_1', branch: 'main' }), line({ id: 'msg_2' })],
    'q/b.jsonl': [line({ id: 'msg_3', branch: 'fix/a' })],
    'q/gone.jsonl': [line({ id: 'msg_4', branch: 'fix/a' })],
  })
  const before = await scene({ folder, write: false })
  await before.migrate()
  await before.operate(INGEST)
  await before.answered('CLICKHOUSE', 108)
  await before.server.close()
  rmSync(join(folder, 'projects/q/gone.jsonl'))
  for (const table of ['copies', 'winners'])
    await before.harm(`ALTER TABLE ${table} UPDATE branch = '' WHERE 1 SETTINGS mutations_sync = 2`)
  await makeEarlier(before.db)
  expect(await versions(before.db)).toEqual({ transcripts: [EARLIER], journal: [EARLIER] })

  const after = await scene({ folder, write: false, database: before.database })
  await until('what is shipped anew', async () => {
    const { data } = await after.server.ask(BREAKDOWN)
    const { provenance, breakdown } = data.tokenMetrics
    const told = breakdown.map(({ values, tokens }: Row) => [values[0]?.value, tokens.total])
    // the files do not have what is archived, whose branch nobody knows any more
    const none = provenance.source === 'LEGACY' ? '102' : '104'
    expect(told).toEqual([
      ['', none],
      ['fix/a', '2'],
      ['main', '2'],
    ])
    return provenance.source === 'CLICKHOUSE' ? true : undefined
  })
  // what came by mutation says nothing more when it is read again
  expect((await versions(after.db)).transcripts.toSorted()).toEqual([EARLIER, TEXT_VERSION])
  expect((await versions(after.db)).journal).toEqual([EARLIER])
  const { id } = await after.migration('id')
  expect(await after.operate(`verifyMigration(id: "${id}") { state difference }`)).toEqual({
    state: 'COMPLETED',
    difference: '0',
  })
})

interface Row {
  values: { value: string }[]
  tokens: { total: string }
}
