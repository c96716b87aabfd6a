import { groupingKey } from '../../domain/dimensions.ts'
import { BridgeError } from '../../domain/errors.ts'
import { comparePaths } from '../../domain/rank.ts'
import { PROMPT_COUNTS } from '../../domain/token-counts.ts'
import {
  contextTierOf,
  type GroupUsage,
  type SessionUsage,
  type TokenAnswer,
  type TokenQuery,
  type UsageSums,
} from '../../domain/token-query.ts'
import { finished, type Work } from '../../domain/work.ts'
import { numbered, selectionsOf } from './axes.ts'
import { WINS } from './record-columns.ts'
import type { RecordTable } from './record-table.ts'
import type { Snapshot } from './snapshots.ts'
import { kindOf, SumTable } from './sum-table.ts'

/** Rows, or sums, between two places where the work may be interrupted. */
const STEP = 2048
const NO_GROUPS = new Uint32Array(STEP)

/** What is summed. */
export interface Summed {
  table: RecordTable
  snapshot: Snapshot
  /** By row: those that are not 1 in it are left out. */
  only?: Uint8Array | undefined
}

/**
 * Sums the winners that the filter selects, in one pass: all sections of the answer are of the same moment.
 * The table may change meanwhile: what is summed is what was
 * in it at `snapshot`.
 * Throws QUERY_TOO_EXPENSIVE where the answer would have more than `maxSums` sums.
 */
export function* aggregating(
  { table, snapshot, only }: Summed,
  query: TokenQuery,
  maxSums = Number.POSITIVE_INFINITY,
): Work<TokenAnswer> {
  const { columns: c } = table
  const selections = selectionsOf(table, query.filter)
  const from = query.filter.from ?? Number.NEGATIVE_INFINITY
  const to = query.filter.to ?? Number.POSITIVE_INFINITY

  const whole = new SumTable()
  const grouped = query.groupings.map((grouping) => ({
    key: groupingKey(grouping),
    table: new SumTable(),
    numbered: numbered(table, grouping, STEP),
  }))
  const sessions = query.sessions === true ? new SumTable() : undefined
  const latest = new Int32Array(table.texts.session.texts.length).fill(-1)
  const started = sessions === undefined ? undefined : new Float64Array(latest.length).fill(Number.POSITIVE_INFINITY)
  let sessionCount = 0
  let firstAt = Number.POSITIVE_INFINITY
  let lastAt = Number.NEGATIVE_INFINITY

  const rows = new Uint32Array(STEP)
  const kinds = new Float64Array(STEP)
  const groups = new Uint32Array(STEP)
  let selected = 0
  // the columns of now: the table may grow into larger ones between two steps
  let filtered: readonly [column: ArrayLike<number>, marks: Uint8Array][] = []
  let promptColumns: readonly Float64Array[] = []

  const select = (place: number): void => {
    const row = snapshot.at(place)
    const time = c.time[row] as number
    const session = c.texts.session[row] as number
    if (time < from || time >= to) return
    for (const [column, marks] of filtered) if (marks[column[row] as number] === 0) return
    let prompt = 0
    for (const column of promptColumns) prompt += column[row] as number
    kinds[selected] = kindOf(c.texts.model[row] as number, contextTierOf(prompt))
    rows[selected++] = row
    if (time < firstAt) firstAt = time
    if (time > lastAt) lastAt = time
    const last = latest[session] as number
    if (last < 0) sessionCount++
    if (last < 0 || isLater(table, row, snapshot.at(last))) latest[session] = place
    if (started !== undefined && time < (started[session] as number)) started[session] = time
  }
  for (let start = 0; start < snapshot.length; start += STEP) {
    selected = 0
    const end = Math.min(start + STEP, snapshot.length)
    const flags = snapshot.flags()
    filtered = selections.map(({ column, marks }) => [column(), marks])
    promptColumns = PROMPT_COUNTS.map((field) => c.counts[field])
    for (let place = start; place < end; place++)
      if (((flags[place] as number) & WINS) !== 0 && only?.[place] !== 0) select(place)
    whole.add(rows, NO_GROUPS, kinds, selected, c)
    for (const { table, numbered } of grouped) {
      numbered.fill(rows, selected, groups)
      table.add(rows, groups, kinds, selected, c)
    }
    if (sessions !== undefined) {
      for (let i = 0; i < selected; i++) groups[i] = c.texts.session[rows[i] as number] as number
      sessions.add(rows, groups, kinds, selected, c)
    }
    yield
  }

  const size = grouped.reduce((sum, one) => sum + one.table.size, whole.size + (sessions?.size ?? 0))
  if (size > maxSums)
    throw new BridgeError('QUERY_TOO_EXPENSIVE', `the answer would have ${size} sums, more than ${maxSums}`)
  const { texts } = table.texts.model
  const ranks = table.texts.model.ranks()
  yield
  const sessionOf = (session: number, usage: UsageSums[]): SessionUsage => {
    const row = snapshot.at(latest[session] as number)
    const { project, user, host, path } = table.origins.at(c.origin[row] as number)
    return {
      id: table.texts.session.texts[session] as string,
      project,
      user,
      host,
      startedAt: started?.[session] as number,
      lastActivityAt: c.time[row] as number,
      latestPath: path,
      latestOffset: c.rankOffset[row] as number,
      usage,
    }
  }
  const answer: TokenAnswer = {
    whole: (yield* readGroups(whole, texts, ranks, (_, usage) => usage))[0] ?? [],
    sessionCount,
    firstAt: sessionCount === 0 ? undefined : firstAt,
    lastAt: sessionCount === 0 ? undefined : lastAt,
    groups: {},
  }
  for (const { key, table, numbered } of grouped)
    answer.groups[key] = yield* readGroups(table, texts, ranks, (number, usage): GroupUsage => {
      const group: GroupUsage = { values: [], start: 0, usage }
      numbered.describe(number, group)
      return group
    })
  if (sessions !== undefined) answer.sessions = yield* readGroups(sessions, texts, ranks, sessionOf)
  return answer
}

/** The same at once. */
export function aggregate(table: RecordTable, query: TokenQuery, only?: Uint8Array): TokenAnswer {
  const snapshot = table.snapshot()
  try {
    return finished(aggregating({ table, snapshot, only }, query))
  } finally {
    snapshot.close()
  }
}

/** The groups of a table; the sums of each by model and tier. */
function* readGroups<T>(
  from: SumTable,
  models: readonly string[],
  ranks: ArrayLike<number>,
  make: (group: number, usage: UsageSums[]) => T,
): Work<T[]> {
  const groups = new Map<number, UsageSums[]>()
  const entries = from.entries(ranks)
  for (const [i, entry] of entries.entries()) {
    const group = from.groupOf(entry)
    const usage = groups.get(group)
    if (usage === undefined) groups.set(group, [from.read(entry, models)])
    else usage.push(from.read(entry, models))
    if (i % STEP === 0) yield
  }
  return Array.from(groups, ([group, usage]) => make(group, usage))
}

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
