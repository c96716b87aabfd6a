import { z } from 'zod'
import { DIMENSION_NAMES, DIMENSIONS } from '../../domain/dimensions.ts'
import {
  FIELD_NAMES,
  type FieldName,
  type FieldType,
  fieldOf,
  LABEL_FIELDS,
  type LabelField,
  RECORD_FIELDS,
} from '../../domain/record-fields.ts'
import { textParts, uuidOf } from '../../domain/record-text.ts'
import { type CountField, eachCount, PROMPT_COUNTS, TOKEN_COUNTS } from '../../domain/token-counts.ts'
import { CONTEXT_TIERS, SLOT_MS } from '../../domain/token-query.ts'
import type { RecordCopy } from '../../domain/token-record.ts'
import { large } from '../compact-row.ts'

// What the statements say of the columns of a record: all of it follows from the table of its fields.

const columnOf = (name: FieldName): string => RECORD_FIELDS[name].column

/** The columns of `winners` that have something of the copy which won, in their order. */
export const WINNER_COLUMNS: readonly string[] = [
  'log',
  ...FIELD_NAMES.filter((name) => name !== 'identity' && fieldOf(name).ofWinner !== false).map(columnOf),
]

/** The columns that groups of rows are made by. */
export const LABEL_COLUMNS: readonly string[] = LABEL_FIELDS.map(columnOf)

/** A label as text; a flag is `true` or `false`. */
export const labelSql = (name: LabelField): string =>
  fieldOf(name).type === 'flag' ? `toString(${columnOf(name)})` : columnOf(name)

/** What `LABEL_COLUMNS` look like in a row, as text. */
export const LABEL_CELLS = Object.fromEntries(
  LABEL_COLUMNS.map((column) => [column, z.union([z.string(), z.boolean()]).transform(String)]),
)

/** Fits 64 bits: it is of one record. */
export const TOTAL = TOKEN_COUNTS.map(columnOf).join(' + ')
const PROMPT = PROMPT_COUNTS.map(columnOf).join(' + ')

/** The same as `contextTierOf`. */
export const TIER = `toUInt8(${CONTEXT_TIERS.map((tokens) => `(${PROMPT} > ${tokens})`).join(' + ')})`

const msOf = (time: string): string => `toUnixTimestamp64Milli(${time})`
export const MS = msOf('time')
/** The number of the slot that a time is in. */
export const slotOf = (time: string): string => `toUInt32(intDiv(${msOf(time)}, ${SLOT_MS}))`
export const SLOT = slotOf('time')

/** The columns of the dimensions. */
export const DIMENSION_COLUMNS: readonly string[] = DIMENSION_NAMES.map((name) => columnOf(DIMENSIONS[name].field))
export const COUNT_COLUMNS: readonly string[] = TOKEN_COUNTS.map(columnOf)

/** Sums that never wrap, each under the name of its count with `_sum`. */
export const COUNT_SUMS = TOKEN_COUNTS.map((field) => `sum(toUInt128(${columnOf(field)})) AS ${field}_sum`).join(', ')

/** All tokens of some rows, which never wrap. */
export const TOTAL_SUM = `sum(${COUNT_COLUMNS.map((column) => `toUInt128(${column})`).join(' + ')})`

type SumColumns<T> = { [Field in CountField as `${Field}_sum`]: T }
const bigint = z.string().transform(BigInt)

/** What `COUNT_SUMS` look like in a row. */
export const SUM_COLUMNS = Object.fromEntries(
  TOKEN_COUNTS.map((field) => [`${field}_sum`, bigint]),
) as unknown as SumColumns<typeof bigint>

/** Sums of rows that come as lists. */
export interface SumsRow extends SumColumns<bigint> {
  model: string
  tier: number
  records: bigint
}
export const SUM_CELLS = Object.fromEntries(
  TOKEN_COUNTS.map((field) => [`${field}_sum`, large]),
) as unknown as SumColumns<typeof large>

/** The sums of a row, by count. */
export const countsIn = (row: SumColumns<bigint>): Record<CountField, bigint> =>
  eachCount((field) => row[`${field}_sum`])

const TEXT_SQL: Record<FieldType, (column: string) => string> = {
  identity: (column) => `toString(${column})`,
  text: (column) => column,
  count: (column) => `toString(${column})`,
  moment: (column) => `toString(toUnixTimestamp64Milli(${column}))`,
  offset: (column) => `toString(${column})`,
  flag: (column) => `toString(toUInt8(${column}))`,
  stamp: (column) => `toString(${column})`,
}

/** The same text as `recordText` makes. */
export function recordTextSql(version: number): string {
  const parts = textParts(version, (name) => TEXT_SQL[fieldOf(name).type](columnOf(name)), 'log')
  return `concat(${parts.join(", '\\t', ")})`
}

const CELL: Record<FieldType, (value: never) => unknown> = {
  identity: uuidOf,
  text: (value: string) => value,
  count: (value: number) => value,
  moment: (value: number) => new Date(value).toISOString(),
  offset: (value: number) => value,
  flag: (value: boolean) => value,
  stamp: (value: number) => value,
}

/** The columns of `copies` that hold a record, and what a record has for each of them. */
export const COPY_COLUMNS: readonly string[] = FIELD_NAMES.map(columnOf)
export const cellsOf = (record: RecordCopy): unknown[] =>
  FIELD_NAMES.map((name) => CELL[fieldOf(name).type](record[name] as never))

const number = z.string().transform(Number)

/** How a field is read back, and what it then is. Under a name of its own: conditions and orders mean the column. */
const READ: Record<FieldType, { sql: (column: string) => string; cell: z.ZodType }> = {
  identity: { sql: (column) => `replaceAll(toString(${column}), '-', '')`, cell: z.string() },
  text: { sql: (column) => column, cell: z.string() },
  count: { sql: (column) => column, cell: number },
  moment: { sql: (column) => `toUnixTimestamp64Milli(${column})`, cell: number },
  offset: { sql: (column) => column, cell: number },
  flag: { sql: (column) => `toUInt8(${column})`, cell: z.number().transform((flag) => flag === 1) },
  stamp: { sql: (column) => column, cell: number },
}

export const COPY_SELECTED = FIELD_NAMES.map(
  (name) => `${READ[fieldOf(name).type].sql(columnOf(name))} AS copy_${columnOf(name)}`,
).join(', ')

/** What `COPY_SELECTED` looks like in a row. */
export const COPY_CELLS = Object.fromEntries(
  FIELD_NAMES.map((name) => [`copy_${columnOf(name)}`, READ[fieldOf(name).type].cell]),
)

/** The record in such a row. */
export const copyIn = (row: Record<string, unknown>): RecordCopy =>
  Object.fromEntries(FIELD_NAMES.map((name) => [name, row[`copy_${columnOf(name)}`]])) as unknown as RecordCopy
