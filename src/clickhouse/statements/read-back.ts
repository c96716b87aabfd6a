import { z } from 'zod'

const bigint = z.string().transform(BigInt)

/** What the store holds of some batches, with a digest over the same texts as `domain/record-text.ts` makes. */
export const readBack = {
  name: 'read-back',
  sql: `
    SELECT
      batch,
      toUInt32(count()) AS records,
      toUInt32(uniqExact(identity)) AS identities,
      sum(input) AS input_sum,
      sum(output) AS output_sum,
      sum(cache_read) AS cache_read_sum,
      sum(cache_creation_5m) AS cache_creation_5m_sum,
      sum(cache_creation_1h) AS cache_creation_1h_sum,
      lower(hex(SHA256(arrayStringConcat(
        arrayMap(record -> record.2, arraySort(record -> record.1, groupArray((
          (position, toString(identity)),
          concat(
            toString(identity), '\\t', log, '\\t', toString(position), '\\t', toString(toUnixTimestamp64Milli(time)), '\\t',
            session, '\\t', project, '\\t', model, '\\t', user, '\\t', host, '\\t',
            toString(input), '\\t', toString(output), '\\t', toString(cache_read), '\\t',
            toString(cache_creation_5m), '\\t', toString(cache_creation_1h), '\\t',
            toString(toUInt8(sidechain)), '\\t', toString(toUInt8(by_mutation)), '\\t', path, '\\t', toString(offset)
          )
        )))), '\\n')))) AS digest
    FROM copies
    WHERE batch IN {batches:Array(UInt64)}
    GROUP BY batch`,
  row: z
    .object({
      batch: z.string().transform(Number),
      records: z.number(),
      identities: z.number(),
      input_sum: bigint,
      output_sum: bigint,
      cache_read_sum: bigint,
      cache_creation_5m_sum: bigint,
      cache_creation_1h_sum: bigint,
      digest: z.string(),
    })
    .transform((row) => ({
      batch: row.batch,
      records: row.records,
      identities: row.identities,
      input: row.input_sum,
      output: row.output_sum,
      cacheRead: row.cache_read_sum,
      cacheCreation5m: row.cache_creation_5m_sum,
      cacheCreation1h: row.cache_creation_1h_sum,
      digest: row.digest,
    })),
}
