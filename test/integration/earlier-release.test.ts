// What an earlier release shipped says less of each record than this one does.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Database } from '../../src/clickhouse/database.ts'
import { createPublishedEvidence } from '../../src/clickhouse/published-evidence.ts'
import { createRecordStore } from '../../src/clickhouse/record-store.ts'
import { digestVersion } from '../../src/domain/digest-version.ts'
import { identityDigest, messageIdentity } from '../../src/domain/identity.ts'
import { isJournalName } from '../../src/domain/log-name.ts'
import { TEXT_VERSION, uuidOf } from '../../src/domain/record-text.ts'
import { EVERYTHING } from '../../src/domain/scope.ts'
import { groupsOf, type TokenAnswer } from '../../src/domain/token-query.ts'
import type { RecordCopy } from '../../src/domain/token-record.ts'
import type { Analysis } from '../../src/enhanced-analysis/analysis.ts'
import { describeFindings } from '../../src/migration/verification.ts'
import type { TokenSource } from '../../src/ports/token-source.ts'
import { useScenes } from '../support/migration-scene.ts'
import { openSides, removeEngineAfterAll, testDatabase } from '../support/sides.ts'
import { copy } from '../support/store-records.ts'
import { analysisOf, line, makeFolder, totals, writeTranscripts } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

const scene = useScenes()
removeEngineAfterAll()
/** The texts of before there were branches, and those of before there were stamps. */
const [WITHOUT_BRANCHES, WITHOUT_STAMPS] = [2, 3]
const INGEST = `ingestTokenRecords(input: { records: [
  { sessionId: "s1", project: "p", model: "m", occurredAt: "2026-04-02T09:00:00Z", tokens: { input: 100, output: 0 } }] }) { accepted }`

/** Gives all batches the digests that they had in an earlier version of the texts. */
async function makeEarlier(db: Database<string>, version: number): Promise<void> {
  const store = createRecordStore(db)
  for (const { batch } of await createPublishedEvidence(db).batches()) {
    const digest = (await store.readBack([batch], version)).get(batch)?.digest
    await db.command(
      'make-earlier',
      'ALTER TABLE batches UPDATE digest = {digest:String} WHERE batch = {batch:UInt64} SETTINGS mutations_sync = 2',
      { digest, batch },
    )
  }
}

/** The versions of the texts that the batches of transcripts, and of the journal, are known by. */
async function versions(db: Database<string>): Promise<{ transcripts: number[]; journal: number[] }> {
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
  const anybody = createRecordStore(before.db, Number.MAX_SAFE_INTEGER)
  await anybody.rebuildSums((await anybody.lastSeq()) + 1)
  await makeEarlier(before.db, WITHOUT_BRANCHES)
  expect(await versions(before.db)).toEqual({ transcripts: [WITHOUT_BRANCHES], journal: [WITHOUT_BRANCHES] })

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
  expect((await versions(after.db)).transcripts.toSorted()).toEqual([WITHOUT_BRANCHES, TEXT_VERSION])
  const { id } = await after.migration('id')
  expect(await after.operate(`verifyMigration(id: "${id}") { state difference }`)).toEqual({
    state: 'COMPLETED',
    difference: '0',
  })
})

test('journals that an earlier release shipped get their stamps, and whoever was first owns: once, told in the log, also where the first attempt is cut off', async () => {
  const folder = makeFolder()
  writeTranscripts(folder, { 'p/a.jsonl': [line({ id: 'msg_t' })] })
  const analysis = analysisOf(folder)
  await analysis.refresh()
  const first = [brought('ann', 'msg_1', 10), brought('bob', 'msg_1', 90), brought('bob', 'msg_2', 30)]
  first.forEach((record, i) => void addJournaled(analysis, 'segment-1', record, 1000 + i, i))
  // a segment that is gone when the next release comes
  const gone = analysisOf(folder)
  const db = await testDatabase()
  const ledgerPath = join(folder, 'ledger')
  await gone.refresh()
  for (const [i, record] of first.entries()) addJournaled(gone, 'segment-1', record, 1000 + i, i)
  addJournaled(gone, 'segment-0', brought('ann', 'msg_3', 1), 900, 0)
  addJournaled(gone, 'segment-0', brought('bob', 'msg_3', 7), 901, 1)
  const before = await openSides({ analysis: gone, db, ledgerPath })
  await before.ship({ journal: true, transcripts: 'all' })
  await before.close()
  // as it was: no stamps, and the larger copy counts
  await db.command('as-before', 'ALTER TABLE copies UPDATE stamp = 0 WHERE 1 SETTINGS mutations_sync = 2')
  await makeEarlier(db, WITHOUT_STAMPS)
  for (const [id, total] of [
    ['msg_1', 90],
    ['msg_3', 7],
  ] as const)
    await db.command(
      'as-before',
      'INSERT INTO winners SELECT * REPLACE (seq + 1 AS seq, {total:UInt64} AS input, {bob:String} AS user) FROM winners FINAL WHERE identity = {id:UUID}',
      { total, bob: 'bob', id: uuidOf(identityDigest(messageIdentity(id))) },
    )

  const cut = await openSides({
    analysis,
    db,
    ledgerPath,
    wrapStore: (store) => ({ ...store, write: () => Promise.reject(new Error('cut off')) }),
  })
  expect(cut.stock().mended).toEqual([
    expect.stringMatching('1 logs that an earlier release shipped'),
    expect.stringMatching('chosen anew from the copies: of what several users brought in, the first one owns it now'),
  ])
  void cut.ship({ journal: true, transcripts: 'all' })
  await until('the failure', async () => (cut.problems.length > 0 ? true : undefined))
  // what waits to be shipped is answered from the journal meanwhile
  expect(await byUser(cut.hybrid)).toEqual({ ann: 12, bob: 30 })
  await cut.close()

  const after = await openSides({ analysis, db, ledgerPath })
  await after.ship({ journal: true, transcripts: 'all' })
  expect(await byUser(after.clickhouse)).toEqual({ ann: 12, bob: 30 })
  expect(await byUser(after.hybrid)).toEqual({ ann: 12, bob: 30 })
  expect(describeFindings(await after.verify(true))).toBe('')
  // the first of what only ClickHouse has: it has no stamp, and never gets one
  expect((await versions(db)).transcripts).toEqual([WITHOUT_STAMPS])
  expect((await versions(db)).journal.toSorted()).toEqual([WITHOUT_STAMPS, TEXT_VERSION])
  await after.close()
  const again = await openSides({ analysis, db, ledgerPath })
  expect(again.stock().mended).toEqual([])
})

const brought = (user: string, id: string, input: number) =>
  copy({ id: messageIdentity(id), user, input, byMutation: true })

function addJournaled(analysis: Analysis, segment: string, record: RecordCopy, stamp: number, position: number): void {
  const place = { stamp, position, offset: position, path: `journal:${segment}` }
  analysis.addJournaled({ segment, to: position + 1, records: [{ ...record, ...place }] })
}

async function byUser(source: TokenSource): Promise<Record<string, number>> {
  const { answers } = await source.answer({
    queries: [{ filter: {}, groupings: [['user']] }],
    access: EVERYTHING,
    quality: false,
  })
  return Object.fromEntries(
    groupsOf(answers[0] as TokenAnswer, ['user']).map(({ values, usage }) => [values[0], totals(usage).input]),
  )
}

interface Row {
  values: { value: string }[]
  tokens: { total: string }
}
