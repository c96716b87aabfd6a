import { comparePaths } from '../../domain/rank.ts'
import type { Scope } from '../../domain/scope.ts'
import { PROMPT_COUNTS } from '../../domain/token-counts.ts'
import { contextTierOf, type TokenQuery } from '../../domain/token-query.ts'
import { type Selection, selectionsOf } from './axes.ts'
import { WINS } from './record-columns.ts'
import type { RecordTable } from './record-table.ts'
import type { Snapshot } from './snapshots.ts'
import { kindOf } from './sum-table.ts'
import { markedOrigins } from './within.ts'

/** Rows of one step: between two steps the work may be interrupted. */
export const STEP = 2048

/** Which rows are looked at. */
export interface Looked {
  table: RecordTable
  snapshot: Snapshot
  /** Rows that are within none of these are left out. */
  access: readonly Scope[]
  /** By row: those that are not 1 in it are left out. */
  only?: Uint8Array | undefined
}

/** The rows of one step that a filter selects: the first `count` of each list, until the next step. */
export interface Selected {
  rows: Uint32Array
  /** Model and context tier of each row (`kindOf`). */
  kinds: Float64Array
  count: number
}

/** What is known of the rows that were selected in all steps up to now. */
export interface Seen {
  /** Milliseconds since 1970; infinite where nothing was selected. */
  firstAt: number
  lastAt: number
  sessionCount: number
  /** By number of the session: where in the snapshot its latest record is; -1: it has none. */
  latest: Int32Array
  /** By number of the session: when its first record is; absent where sessions are not asked for. */
  started: Float64Array | undefined
}

/** Selects the winners that a query's filter asks for, step by step. */
export interface Selecting {
  /** Selects in the step that begins at this place of the snapshot. */
  step(start: number): Selected
  readonly seen: Seen
}

export function createSelecting({ table, snapshot, access, only }: Looked, query: TokenQuery): Selecting {
  const { columns: c } = table
  const selections = [...withinOf(table, access), ...selectionsOf(table, query.filter)]
  const from = query.filter.from ?? Number.NEGATIVE_INFINITY
  const to = query.filter.to ?? Number.POSITIVE_INFINITY
  const seen = nothingSeen(table.texts.session.texts.length, query.sessions === true)
  const selected: Selected = { rows: new Uint32Array(STEP), kinds: new Float64Array(STEP), count: 0 }
  // the columns of this step: the table may grow into larger ones before the next
  let filtered: readonly [column: ArrayLike<number>, marks: Uint8Array][] = []
  let promptColumns: readonly Float64Array[] = []

  const select = (place: number): void => {
    const row = snapshot.at(place)
    const time = c.time[row] as number
    if (time < from || time >= to) return
    for (const [column, marks] of filtered) if (marks[column[row] as number] === 0) return
    let prompt = 0
    for (const column of promptColumns) prompt += column[row] as number
    selected.kinds[selected.count] = kindOf(c.texts.model[row] as number, contextTierOf(prompt))
    selected.rows[selected.count++] = row
    if (time < seen.firstAt) seen.firstAt = time
    if (time > seen.lastAt) seen.lastAt = time
    const session = c.texts.session[row] as number
    const last = seen.latest[session] as number
    if (last < 0) seen.sessionCount++
    if (last < 0 || isLater(table, row, snapshot.at(last))) seen.latest[session] = place
    if (seen.started !== undefined && time < (seen.started[session] as number)) seen.started[session] = time
  }

  return {
    seen,
    step(start) {
      selected.count = 0
      const end = Math.min(start + STEP, snapshot.length)
      const flags = snapshot.flags()
      filtered = selections.map(({ column, marks }) => [column(), marks])
      promptColumns = PROMPT_COUNTS.map((field) => c.counts[field])
      for (let place = start; place < end; place++)
        if (((flags[place] as number) & WINS) !== 0 && only?.[place] !== 0) select(place)
      return selected
    },
  }
}

/** What somebody may see is asked of each row, before everything else. */
function withinOf(table: RecordTable, access: readonly Scope[]): Selection[] {
  const marks = markedOrigins(table, access)
  return marks === undefined ? [] : [{ column: () => table.columns.origin, marks }]
}

const nothingSeen = (sessions: number, withStarts: boolean): Seen => ({
  firstAt: Number.POSITIVE_INFINITY,
  lastAt: Number.NEGATIVE_INFINITY,
  sessionCount: 0,
  latest: new Int32Array(sessions).fill(-1),
  started: withStarts ? new Float64Array(sessions).fill(Number.POSITIVE_INFINITY) : undefined,
})

/** Whether row `a` is the later record: by time, then path, then offset, so that the latest is always the same. */
function isLater(table: RecordTable, a: number, b: number): boolean {
  const c = table.columns
  const byTime = (c.time[a] as number) - (c.time[b] as number)
  if (byTime !== 0) return byTime > 0
  const byPath = comparePaths(
    table.origins.at(c.origin[a] as number).path,
    table.origins.at(c.origin[b] as number).path,
  )
  if (byPath !== 0) return byPath > 0
  return (c.rankOffset[a] as number) > (c.rankOffset[b] as number)
}
