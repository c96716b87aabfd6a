import type { LabelField } from './record-fields.ts'
import type { Buckets } from './time-buckets.ts'

interface DimensionRow {
  /** The member of a filter that selects by it: the dimension's values, as text. */
  filter: string
  /** The field of a record that it is; its column in ClickHouse follows from that. */
  field: LabelField
  /** What a value is called on the command line: `--project <name>`. */
  value: string
  /** Absent: any text. With two values it is asked for by GraphQL as yes or no. */
  values?: readonly ['true', 'false']
}

/**
 * What records can be selected and broken down by. A dimension is a row here, and what the compiler then asks for: its
 * member in the input `TokenFilter`.
 */
export const DIMENSIONS = {
  project: { filter: 'projects', field: 'project', value: 'name' },
  model: { filter: 'models', field: 'model', value: 'name' },
  session: { filter: 'sessionIds', field: 'session', value: 'id' },
  user: { filter: 'users', field: 'user', value: 'name' },
  host: { filter: 'hosts', field: 'host', value: 'name' },
  branch: { filter: 'branches', field: 'branch', value: 'name' },
  sidechain: { filter: 'sidechain', field: 'sidechain', value: 'true|false', values: ['true', 'false'] },
} as const satisfies Record<string, DimensionRow>

export type Dimension = keyof typeof DIMENSIONS
export const DIMENSION_NAMES = Object.keys(DIMENSIONS) as Dimension[]

/** The values that a dimension can have, where there are only some; absent: any text. */
export const valuesOf = (name: Dimension): DimensionRow['values'] => (DIMENSIONS[name] as DimensionRow).values

/** The members of a filter that are lists of values, in the order of the dimensions. */
export type FilterList = (typeof DIMENSIONS)[Dimension]['filter']
export const FILTER_LISTS: readonly FilterList[] = DIMENSION_NAMES.map((name) => DIMENSIONS[name].filter)

type FilterFlag = Extract<(typeof DIMENSIONS)[Dimension], { values: unknown }>['filter']

/** What a filter looks like where it comes in: a dimension with two values is asked for as yes or no. */
export type FilterInput = { [List in FilterList]: (List extends FilterFlag ? boolean : string[]) | null | undefined }

/** What a member of such a filter asks for, as texts; `undefined`: everything. */
export function askedValues<List>(asked: List): readonly string[] | undefined {
  if (Array.isArray(asked)) return asked as string[]
  return typeof asked === 'boolean' ? [String(asked)] : undefined
}

/** Sums are by model anyway: whatever is broken down by others is by model, too. */
export type GroupedDimension = Exclude<Dimension, 'model'>
export const GROUPED_DIMENSIONS = DIMENSION_NAMES.filter((name) => name !== 'model')

/** What sums are grouped by: dimensions, each once, and the buckets of one clock. */
export type Axis = GroupedDimension | Buckets
export type Grouping = readonly Axis[]

/** The dimensions of a grouping in their one order, which is that of its groups' values. */
export const dimensionsOf = (grouping: Grouping): GroupedDimension[] =>
  GROUPED_DIMENSIONS.filter((name) => grouping.includes(name))

export const bucketsOf = (grouping: Grouping): Buckets | undefined =>
  grouping.find((axis): axis is Buckets => typeof axis !== 'string')

/** Names a grouping, whatever the order of its axes: the same as in `TokenAnswer.groups`. */
export function groupingKey(grouping: Grouping): string {
  const buckets = bucketsOf(grouping)
  const ofTime = buckets === undefined ? [] : [buckets.granularity, buckets.timeZone]
  return [...dimensionsOf(grouping), ...ofTime].join(' ')
}
