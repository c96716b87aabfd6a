import { FIELD_NAMES, type FieldType, fieldOf } from './record-fields.ts'
import type { RecordCopy } from './token-record.ts'

/**
 * The version of the texts that digests are made of: that of the latest field. The text of a version has the fields that
 * were there by then (`since`), for ever: what was digested by an earlier release can still be compared.
 */
export const TEXT_VERSION = Math.max(...FIELD_NAMES.map((name) => fieldOf(name).since))

/** The name of the log is written behind the identity. */
const BEFORE_LOG = 'identity'

const TEXT_OF: Record<FieldType, (value: never) => string | number> = {
  identity: uuidOf,
  text: (value: string) => value,
  count: (value: number) => value,
  moment: (value: number) => value,
  offset: (value: number) => value,
  flag: (value: boolean) => (value ? 1 : 0),
  stamp: (value: number) => value,
}

/**
 * What the text of a version consists of, each part made by `of`: the fields and, at its place, the log. Every store
 * makes the same text, so that a digest over it can be compared.
 */
export function textParts<T>(version: number, ofField: (name: keyof RecordCopy) => T, log: T): T[] {
  return FIELD_NAMES.filter((name) => fieldOf(name).since <= version).flatMap((name) =>
    name === BEFORE_LOG ? [ofField(name), log] : [ofField(name)],
  )
}

type Part = (record: RecordCopy) => string | number

/** How each field of a record is written. */
const PARTS = Object.fromEntries(
  FIELD_NAMES.map((name) => {
    const text = TEXT_OF[fieldOf(name).type] as (value: unknown) => string | number
    return [name, (record) => text(record[name])]
  }),
) as Record<keyof RecordCopy, Part>

/** By version: the parts of its text, `undefined` where the log's name is. Made once, since each record asks. */
const PARTS_OF = Array.from({ length: TEXT_VERSION + 1 }, (_, version) =>
  textParts<Part | undefined>(version, (name) => PARTS[name], undefined),
)

/** A record as one line of text: its parts, separated by tabs. ClickHouse makes the same text in SQL. */
export function recordText(log: string, record: RecordCopy, version = TEXT_VERSION): string {
  let text = ''
  for (const part of PARTS_OF[version] ?? []) text += `${part === undefined ? log : part(record)}\t`
  return text.slice(0, -1)
}

/** 32 hexadecimal digits as a UUID. */
export function uuidOf(identity: string): string {
  return `${identity.slice(0, 8)}-${identity.slice(8, 12)}-${identity.slice(12, 16)}-${identity.slice(16, 20)}-${identity.slice(20)}`
}
