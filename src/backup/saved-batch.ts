import { z } from 'zod'
import { BEFORE, FIELD_NAMES, type FieldType, RECORD_FIELDS } from '../domain/record-fields.ts'
import type { RecordCopy } from '../domain/token-record.ts'

/** A batch as one line of the backup. */
export interface SavedBatch {
  log: string
  run: string
  /** `BatchSummary.digest`. */
  digest: string
  records: RecordCopy[]
}

const SCHEMAS: Record<FieldType, z.ZodType> = {
  identity: z.string().regex(/^[0-9a-f]{32}$/),
  text: z.string(),
  flag: z.boolean(),
  count: z.int().nonnegative(),
  moment: z.int(),
  offset: z.int().nonnegative(),
  stamp: z.int(),
}
const RECORD = z.object(Object.fromEntries(FIELD_NAMES.map((name) => [name, SCHEMAS[RECORD_FIELDS[name].type]])))
const BATCH = z.object({ log: z.string(), run: z.string(), digest: z.string(), records: z.array(z.looseObject({})) })

/** Reads a line. Records that an earlier release saved have not every field of today. Throws where it is no batch. */
export function parseBatch(line: string): SavedBatch {
  const { records, ...batch } = BATCH.parse(JSON.parse(line))
  return { ...batch, records: records.map((record) => RECORD.parse({ ...BEFORE, ...record }) as unknown as RecordCopy) }
}
