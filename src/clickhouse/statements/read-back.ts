import { z } from 'zod'
import { versionedDigest } from '../../domain/digest-version.ts'
import { COUNT_SUMS, countsIn, recordTextSql, SUM_COLUMNS } from './record-sql.ts'

/** What the store holds of some batches, with a digest over the same texts as `domain/record-text.ts` makes. */
export const readBack = (version: number) => ({
  name: 'read-back' as const,
  sql: `
    SELECT
      batch,
      toUInt32(count()) AS records,
      toUInt32(uniqExact(identity)) AS identities,
      ${COUNT_SUMS},
      lower(hex(SHA256(arrayStringConcat(
        arrayMap(record -> record.2, arraySort(record -> record.1, groupArray((
          (position, toString(identity)),
          ${recordTextSql(version)}
        )))), '\\n')))) AS digest
    FROM copies
    WHERE batch IN {batches:Array(UInt64)}
    GROUP BY batch`,
  row: z
    .object({
      batch: z.string().transform(Number),
      records: z.number(),
      identities: z.number(),
      ...SUM_COLUMNS,
      digest: z.string(),
    })
    .transform((row) => ({
      batch: row.batch,
      records: row.records,
      identities: row.identities,
      ...countsIn(row),
      digest: versionedDigest(version, row.digest),
    })),
})
