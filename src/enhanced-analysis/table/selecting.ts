import { isLater } from '../../domain/latest-record.ts'
import type { Scope } from '../../domain/scope.ts'
import type { TokenFilter, TokenQuery } from '../../domain/token-query.ts'
import { type Selection, selectionsOf } from './axes.ts'
import { WINS } from './record-columns.ts'
import type { RecordTable } from './record-table.ts'
import { MOVED, type Snapshot } from './snapshots.ts'
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
  /** Absent where nothing of sessions is asked for: looking at them takes a third of the time of the rest. */
  sessions: SessionsSeen | undefined
}

export interface SessionsSeen {
  count: number
  /** By number of the session: where in the snapshot its latest record is; -1: it has none. */
  latest: Int32Array
  /** By number of the session: when its latest record is. */
  lastActivity: Float64Array
  /** By number of the session: when its first record is; absent where their number alone is asked for. */
  started: Float64Array | undefined
}

/** Selects the winners that a query's filter asks for, step by step. */
export interface Selecting {
  /** Selects in the step that begins at this place of the snapshot. */
  step(start: number): Selected
  readonly seen: Seen
}

/**
 * Every record of a question passes here: so it is one short loop for each column, over the rows that the loops before
 * have left. Columns are asked for anew at each step: the table may have grown into larger ones since the one before.
 */
export function createSelecting({ table, snapshot, access, only }: Looked, query: TokenQuery): Selecting {
  const selections = [...withinOf(table, access), ...selectionsOf(table, query.filter)]
  const seen = nothingSeen(table.texts.session.texts.length, query)
  const places = new Uint32Array(STEP)
  const selected: Selected = { rows: new Uint32Array(STEP), kinds: new Float64Array(STEP), count: 0 }

  return {
    seen,
    step(start) {
      const { rows, kinds } = selected
      const { time, texts } = table.columns
      let count = takeWinners({ snapshot, only, start }, places, rows)
      count = keepInRange(query.filter, time, places, rows, count)
      for (const { column, marks } of selections) count = keepMarked(column(), marks, places, rows, count)
      fillKinds(table, rows, count, kinds)
      noteTimes(seen, time, rows, count)
      if (seen.sessions !== undefined)
        noteSessions({ table, snapshot, seen: seen.sessions }, texts.session, places, rows, count)
      selected.count = count
      return selected
    },
  }
}

/** Writes where the winners of a step are, in the snapshot and in the table. Returns how many. */
function takeWinners(
  { snapshot, only, start }: { snapshot: Snapshot; only: Uint8Array | undefined; start: number },
  places: Uint32Array,
  rows: Uint32Array,
): number {
  const flags = snapshot.flags()
  const end = Math.min(start + STEP, snapshot.length)
  let count = 0
  for (let place = start; place < end; place++) {
    const flag = flags[place] as number
    if ((flag & WINS) === 0 || only?.[place] === 0) continue
    places[count] = place
    rows[count++] = (flag & MOVED) === 0 ? place : snapshot.at(place)
  }
  return count
}

function keepInRange(
  { from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY }: TokenFilter,
  time: Float64Array,
  places: Uint32Array,
  rows: Uint32Array,
  count: number,
): number {
  let kept = 0
  for (let i = 0; i < count; i++) {
    const row = rows[i] as number
    const at = time[row] as number
    if (at < from || at >= to) continue
    rows[kept] = row
    places[kept++] = places[i] as number
  }
  return kept
}

function keepMarked(
  column: Uint32Array | Uint8Array,
  marks: Uint8Array,
  places: Uint32Array,
  rows: Uint32Array,
  count: number,
): number {
  let kept = 0
  for (let i = 0; i < count; i++) {
    const row = rows[i] as number
    if (marks[column[row] as number] === 0) continue
    rows[kept] = row
    places[kept++] = places[i] as number
  }
  return kept
}

function fillKinds({ columns }: RecordTable, rows: Uint32Array, count: number, kinds: Float64Array): void {
  const { tier, texts } = columns
  for (let i = 0; i < count; i++) {
    const row = rows[i] as number
    kinds[i] = kindOf(texts.model[row] as number, tier[row] as number)
  }
}

function noteTimes(seen: Seen, time: Float64Array, rows: Uint32Array, count: number): void {
  let { firstAt, lastAt } = seen
  for (let i = 0; i < count; i++) {
    const at = time[rows[i] as number] as number
    if (at < firstAt) firstAt = at
    if (at > lastAt) lastAt = at
  }
  seen.firstAt = firstAt
  seen.lastAt = lastAt
}

function noteSessions(
  { table, snapshot, seen }: { table: RecordTable; snapshot: Snapshot; seen: SessionsSeen },
  sessions: Uint32Array,
  places: Uint32Array,
  rows: Uint32Array,
  count: number,
): void {
  const { latest, lastActivity, started } = seen
  const { time } = table.columns
  for (let i = 0; i < count; i++) {
    const row = rows[i] as number
    const session = sessions[row] as number
    const at = time[row] as number
    if (started !== undefined && at < (started[session] as number)) started[session] = at
    const before = lastActivity[session] as number
    if (at < before) continue
    const last = latest[session] as number
    if (last < 0) seen.count++
    else if (at === before && !isAfter(table, row, snapshot.at(last))) continue
    latest[session] = places[i] as number
    lastActivity[session] = at
  }
}

/** What somebody may see is asked of each row, before everything else. */
function withinOf(table: RecordTable, access: readonly Scope[]): Selection[] {
  const marks = markedOrigins(table, access)
  return marks === undefined ? [] : [{ column: () => table.columns.origin, marks }]
}

const nothingSeen = (sessions: number, { sessions: all, countSessions }: TokenQuery): Seen => ({
  firstAt: Number.POSITIVE_INFINITY,
  lastAt: Number.NEGATIVE_INFINITY,
  sessions: all === true || countSessions === true ? noSessions(sessions, all === true) : undefined,
})

const noSessions = (sessions: number, withStarts: boolean): SessionsSeen => ({
  count: 0,
  latest: new Int32Array(sessions).fill(-1),
  lastActivity: new Float64Array(sessions).fill(Number.NEGATIVE_INFINITY),
  started: withStarts ? new Float64Array(sessions).fill(Number.POSITIVE_INFINITY) : undefined,
})

const isAfter = (table: RecordTable, a: number, b: number): boolean => isLater(momentOf(table, a), momentOf(table, b))

const momentOf = ({ columns: c, origins }: RecordTable, row: number) => ({
  ...origins.at(c.origin[row] as number),
  time: c.time[row] as number,
  offset: c.rankOffset[row] as number,
})
