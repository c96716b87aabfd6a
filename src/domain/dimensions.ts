import type { TextField } from './record-fields.ts'

interface DimensionRow {
  /** The list of a filter that selects by it: the dimension's values, as text. */
  filter: string
  /** The field of a record that it is; its column in ClickHouse follows from that. */
  field: TextField
  /** What a value is called on the command line: `--project <name>`. */
  value: string
}

/**
 * What records can be selected and broken down by. A dimension is a row here, and what the compiler then asks for: how
 * the enhanced analysis finds it (`enhanced-analysis/axes.ts`), and its list in the input `TokenFilter`.
 */
export const DIMENSIONS = {
  project: { filter: 'projects', field: 'project', value: 'name' },
  model: { filter: 'models', field: 'model', value: 'name' },
  session: { filter: 'sessionIds', field: 'session', value: 'id' },
  user: { filter: 'users', field: 'user', value: 'name' },
  host: { filter: 'hosts', field: 'host', value: 'name' },
} as const satisfies Record<string, DimensionRow>

export type Dimension = keyof typeof DIMENSIONS
export const DIMENSION_NAMES = Object.keys(DIMENSIONS) as Dimension[]

/** The lists of a filter, in the order of the dimensions. */
export type FilterList = (typeof DIMENSIONS)[Dimension]['filter']
export const FILTER_LISTS: readonly FilterList[] = DIMENSION_NAMES.map((name) => DIMENSIONS[name].filter)

/** Sums are by model anyway: whatever is broken down by others is by model, too. */
export type GroupedDimension = Exclude<Dimension, 'model'>
export const GROUPED_DIMENSIONS = DIMENSION_NAMES.filter((name) => name !== 'model')

/** What sums are grouped by: dimensions, each once, and the slot of time (`SLOT_MS`). */
export type Axis = GroupedDimension | 'slot'
export type Grouping = readonly Axis[]

const AXES: readonly Axis[] = [...GROUPED_DIMENSIONS, 'slot']

/** The grouping in the one order of its axes. */
export const canonicalGrouping = (grouping: Grouping): Grouping => AXES.filter((axis) => grouping.includes(axis))

/** Names a grouping, whatever the order of its axes: the same as in `TokenAnswer.groups`. */
export const groupingKey = (grouping: Grouping): string => canonicalGrouping(grouping).join(' ')
