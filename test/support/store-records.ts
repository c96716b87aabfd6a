import type { Database } from '../../src/clickhouse/database.ts'
import { createPublishedRecords } from '../../src/clickhouse/published-records.ts'
import { createRecordStore } from '../../src/clickhouse/record-store.ts'
import { identityDigest } from '../../src/domain/identity.ts'
import { EVERYTHING } from '../../src/domain/scope.ts'
import type { RecordCopy } from '../../src/domain/token-record.ts'
import { TEST_PRICES } from './test-prices.ts'
import { totals } from './transcripts.ts'

export const copy = (more: Partial<RecordCopy> & { id: string }): RecordCopy => {
  const { id, ...rest } = more
  return {
    identity: identityDigest(id),
    time: Date.parse('2026-04-02T09:15:03.120Z'),
    session: 's1',
    project: "p's \\ project\t日本",
    model: 'm1',
    user: 'ann',
    host: 'laptop',
    branch: '',
    input: 1,
    output: 0,
    cacheRead: 0,
    cacheCreation5m: 0,
    cacheCreation1h: 0,
    sidechain: false,
    byMutation: false,
    stamp: 0,
    position: 0,
    path: '/p/a.jsonl',
    offset: 0,
    ...rest,
  }
}

/** No identities. */
export const NOTHING = new Uint8Array(0)
/** A batch as it is published, where its evidence does not matter. */
export const batch = (number: number, log: string, run: string) => ({ batch: number, log, run, records: 0, digest: '' })
export const WHOLE = { filter: {}, groupings: [] }

export const anything = { parse: (row: unknown) => row } as never

/** Winners that no publication has chosen, and all that follows from them. `columns` and `select` are SQL. */
export async function plantWinners(db: Database<string>, columns: string, select: string): Promise<void> {
  await db.command('plant', `INSERT INTO winners (${columns}) ${select}`)
  await createRecordStore(db).rebuildSums(1)
}

/** A store in a database of its own, with what its readers see. */
export async function openStore(open: () => Promise<Database<string>>) {
  const db = await open()
  const published = createPublishedRecords(db, { prices: TEST_PRICES })
  const count = async () =>
    totals((await published.answer({ queries: [WHOLE], access: EVERYTHING }, NOTHING))[0]?.whole ?? [])
  return { db, store: createRecordStore(db), published, count }
}
