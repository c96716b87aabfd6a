import type { CountField } from './token-counts.ts'
import type { Origin, RecordCopy } from './token-record.ts'

/**
 * What a field is, which decides how each store and text writes it. `count`: tokens; `moment`: milliseconds since 1970;
 * `offset`: bytes; `identity`: 32 hexadecimal digits; `stamp`: microseconds since 1970.
 */
export type FieldType = 'identity' | 'text' | 'count' | 'moment' | 'offset' | 'flag' | 'stamp'

interface FieldRow<Type extends FieldType> {
  type: Type
  /** In ClickHouse. */
  column: string
  /** Whether readers count by it: a column of `winners`, too; absent: it is. */
  ofWinner?: false
}

/** What says something of records: the server's own files, or the journal. */
export type Teller = 'transcripts' | 'journal'

/**
 * When a field came. `since`: the first version of the record's text (`record-text.ts`) that has it; `before`: what
 * records have in it that were written earlier, in the database, in the journal, in a backup; `toldBy`: whose logs tell
 * it when they are read again, also of earlier records.
 */
type Arrival =
  | { since: 1; before?: undefined; toldBy?: undefined }
  | { since: number; before: string | number | boolean; toldBy: Teller }

type RecordField<Type extends FieldType = FieldType> = FieldRow<Type> & Arrival

type TypeFor<Field extends keyof RecordCopy> = Field extends CountField
  ? 'count'
  : RecordCopy[Field] extends boolean
    ? 'flag'
    : RecordCopy[Field] extends string
      ? 'identity' | 'text'
      : 'moment' | 'offset' | 'stamp'

/**
 * The fields of a record, in the order in which every text, tuple and list of columns has them. The log that a copy
 * stands in is no field of it. A new field goes to its place here, with the next version of the text.
 */
export const RECORD_FIELDS = {
  identity: { type: 'identity', column: 'identity', since: 1 },
  position: { type: 'offset', column: 'position', since: 1 },
  time: { type: 'moment', column: 'time', since: 1 },
  session: { type: 'text', column: 'session', since: 1 },
  project: { type: 'text', column: 'project', since: 1 },
  model: { type: 'text', column: 'model', since: 1 },
  user: { type: 'text', column: 'user', since: 1 },
  host: { type: 'text', column: 'host', since: 1 },
  branch: { type: 'text', column: 'branch', since: 3, before: '', toldBy: 'transcripts' },
  input: { type: 'count', column: 'input', since: 1 },
  output: { type: 'count', column: 'output', since: 1 },
  cacheRead: { type: 'count', column: 'cache_read', since: 1 },
  cacheCreation5m: { type: 'count', column: 'cache_creation_5m', since: 1 },
  cacheCreation1h: { type: 'count', column: 'cache_creation_1h', since: 1 },
  sidechain: { type: 'flag', column: 'sidechain', since: 1 },
  byMutation: { type: 'flag', column: 'by_mutation', ofWinner: false, since: 1 },
  stamp: { type: 'stamp', column: 'stamp', ofWinner: false, since: 4, before: 0, toldBy: 'journal' },
  path: { type: 'text', column: 'path', since: 1 },
  offset: { type: 'offset', column: 'offset', since: 1 },
} as const satisfies { [Field in keyof RecordCopy]: RecordField<TypeFor<Field>> }

export type FieldName = keyof typeof RECORD_FIELDS
type NamesOf<Type extends FieldType> = {
  [Field in FieldName]: (typeof RECORD_FIELDS)[Field]['type'] extends Type ? Field : never
}[FieldName]
/** Those that groups of equal records are made by, as text each: readers can tell records apart by them. */
export type LabelField = TextField | Exclude<NamesOf<'flag'>, NotOfWinner>
/** The texts that each record has of its own; the others are its origin's, which many records share. */
export type OwnText = Exclude<TextField, keyof Origin>
export type TextField = NamesOf<'text'>
type NotOfWinner = {
  [Field in FieldName]: (typeof RECORD_FIELDS)[Field] extends { ofWinner: false } ? Field : never
}[FieldName]
export type WholeField = NamesOf<'count' | 'moment' | 'offset'>

/** The names of all fields, in their order. */
export const FIELD_NAMES = Object.keys(RECORD_FIELDS) as FieldName[]

export const fieldOf = (name: FieldName): RecordField => RECORD_FIELDS[name]

/** The labels of a record, in their order. */
export const LABEL_FIELDS = namesOf<LabelField>('text', 'flag').filter((name) => fieldOf(name).ofWinner !== false)

const OF_ORIGIN: Readonly<Record<string, true>> = {
  project: true,
  user: true,
  host: true,
  path: true,
} satisfies Record<keyof Origin, true>

/** In their order: wherever many records are kept, each has a column of numbers, and a dictionary that says of what. */
export const OWN_TEXTS = namesOf<OwnText>('text').filter((name) => OF_ORIGIN[name] === undefined)

export const isOwnText = (name: FieldName): name is OwnText => OWN_TEXTS.some((own) => own === name)

/** The texts of a record, in their order. */
export const TEXTS = namesOf<TextField>('text')

/** What a record has that was written before some fields were there: to be spread below what it says itself. */
export const BEFORE = Object.fromEntries(
  FIELD_NAMES.flatMap((name) => (fieldOf(name).before === undefined ? [] : [[name, fieldOf(name).before]])),
) as Partial<RecordCopy>

/** The first version of the text that has all that these logs can tell. */
export const toldSince = (teller: Teller): number =>
  Math.max(...FIELD_NAMES.map(fieldOf).map(({ since, toldBy }) => (toldBy === teller ? since : 1)))

/** Something for each of them. */
export const eachOwnText = <T>(make: (name: OwnText) => T): Record<OwnText, T> =>
  Object.fromEntries(OWN_TEXTS.map((name) => [name, make(name)])) as Record<OwnText, T>

/** The whole numbers of a record, in their order. */
export const WHOLE_FIELDS = namesOf<WholeField>('count', 'moment', 'offset')

function namesOf<Name extends FieldName>(...types: FieldType[]): readonly Name[] {
  return FIELD_NAMES.filter((name): name is Name => types.includes(fieldOf(name).type))
}
