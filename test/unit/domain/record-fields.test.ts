import { expect, test } from 'vitest'
import { readSchemaChanges } from '../../../src/clickhouse/schema-changes.ts'
import { SUMMED_COLUMNS } from '../../../src/clickhouse/statements/sums.ts'
import { digestVersion, versionedDigest } from '../../../src/domain/digest-version.ts'
import { FIELD_NAMES, fieldOf } from '../../../src/domain/record-fields.ts'
import { recordText, TEXT_VERSION } from '../../../src/domain/record-text.ts'
import { eachCount, TOKEN_COUNTS, totalOf, totalOfSums } from '../../../src/domain/token-counts.ts'
import type { RecordCopy } from '../../../src/domain/token-record.ts'
import { digestLike, summarize } from '../../../src/shipping/batch-summary.ts'

const RECORD: RecordCopy = {
  identity: '000102030405060708090a0b0c0d0e0f',
  time: Date.parse('2026-04-02T09:15:03.120Z'),
  session: 's1',
  project: 'p',
  model: 'm1',
  user: 'ann',
  host: 'laptop',
  branch: 'main',
  input: 1,
  output: 2,
  cacheRead: 3,
  cacheCreation5m: 4,
  cacheCreation1h: 5,
  sidechain: true,
  byMutation: false,
  stamp: 0,
  position: 7,
  path: '/p/a.jsonl',
  offset: 8,
}
/** As the release wrote it whose digests say no version. */
const TEXT_1 =
  '00010203-0405-0607-0809-0a0b0c0d0e0f\tlog#0\t7\t1775121303120\ts1\tp\tm1\tann\tlaptop\t1\t2\t3\t4\t5\t1\t0\t/p/a.jsonl\t8'
const TEXT_3 = TEXT_1.replace('laptop', 'laptop\tmain')
const TEXT_4 = TEXT_3.replace('/p/a.jsonl', '0\t/p/a.jsonl')
const DIGEST_1 = 'd56191553779c64da4934accb6eb74faf6467dc67a8acdd40f6104edac27553b'

test('every field has its column in the tables of ClickHouse', () => {
  const sql = readSchemaChanges()
    .map((change) => change.sql)
    .join('\n')
  const columnsOf = (table: string): string[] => {
    const [, body = ''] = new RegExp(`CREATE TABLE ${table}\n\\(\n([^;]*?)\n\\)\n`).exec(sql) ?? []
    const made = body.split('\n').map((line) => line.trim().split(' ')[0] as string)
    const alterations = [...sql.matchAll(new RegExp(`ALTER TABLE ${table}\n([^;]*);`, 'g'))].map(([, text]) => text)
    const added = [...alterations.join(' ').matchAll(/ADD COLUMN IF NOT EXISTS (\w+)/g)].map(
      ([, name]) => name as string,
    )
    return [...made, ...added]
  }
  const fields = FIELD_NAMES.map(fieldOf)
  expect(columnsOf('copies')).toEqual(expect.arrayContaining(fields.map(({ column }) => column)))
  for (const table of ['winners', 'winners_by_time'])
    expect(columnsOf(table)).toEqual(
      expect.arrayContaining(fields.filter(({ ofWinner }) => ofWinner !== false).map(({ column }) => column)),
    )
  expect(columnsOf('winners_summed')).toEqual(expect.arrayContaining(SUMMED_COLUMNS.split(', ')))
})

test('the text of a version stays what it was, whatever fields come', () => {
  expect(recordText('log#0', RECORD, 1)).toBe(TEXT_1)
  expect(recordText('log#0', RECORD, 2)).toBe(TEXT_1)
  expect(recordText('log#0', RECORD, 3)).toBe(TEXT_3)
  expect(recordText('log#0', RECORD, 4)).toBe(TEXT_4)
  // a new version has a text of its own above, by which nothing joins it once it was released
  expect(TEXT_VERSION).toBe(4)
})

test('a digest without a version is compared in version 1, one of today says its own', () => {
  expect(digestLike(DIGEST_1, 'log#0', [RECORD])).toBe(DIGEST_1)
  expect(digestLike(DIGEST_1, 'log#0', [{ ...RECORD, cacheRead: 4 }])).not.toBe(DIGEST_1)
  const { digest } = summarize('log#0', [RECORD])
  expect(digestVersion(digest)).toBe(TEXT_VERSION)
  expect(digest).not.toBe(versionedDigest(TEXT_VERSION, DIGEST_1))
  expect(summarize('log#0', [RECORD], 2).digest).toBe(versionedDigest(2, DIGEST_1))
  expect(digestLike(digest, 'log#0', [RECORD])).toBe(digest)
})

test('totals add up every count', () => {
  // each count is another power of ten
  const counts = eachCount((field) => 10 ** TOKEN_COUNTS.indexOf(field))
  const sum = Number('1'.repeat(TOKEN_COUNTS.length))
  expect(totalOf(counts)).toBe(sum)
  expect(totalOfSums(eachCount((field) => BigInt(counts[field])))).toBe(BigInt(sum))
})
