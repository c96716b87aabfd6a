import { groupingKey } from '../../domain/dimensions.ts'
import { BridgeError } from '../../domain/errors.ts'
import { EVERYTHING, type Scope } from '../../domain/scope.ts'
import type { GroupUsage, SessionUsage, TokenAnswer, TokenQuery, UsageSums } from '../../domain/token-query.ts'
import { finished, type Work } from '../../domain/work.ts'
import { type Numbered, numbered } from './axes.ts'
import type { RecordTable } from './record-table.ts'
import { createSelecting, type Looked, type Seen, type Selected, type SessionsSeen, STEP } from './selecting.ts'
import { SumTable } from './sum-table.ts'

const ONE_GROUP = new Uint32Array(STEP)

/**
 * Sums the winners that the filter selects, in one pass, so that all sections of the answer are of the same moment: that
 * of the snapshot, though the table may change between two steps. Throws QUERY_TOO_EXPENSIVE where the answer would have
 * more than `maxSums` sums.
 */
export function* aggregating(looked: Looked, query: TokenQuery, maxSums = Number.POSITIVE_INFINITY): Work<TokenAnswer> {
  const { table, snapshot } = looked
  const selecting = createSelecting(looked, query)
  const sections = createSections(table, query)
  for (let start = 0; start < snapshot.length; start += STEP) {
    addTo(sections, selecting.step(start), table)
    yield
  }
  const size = sizeOf(sections)
  if (size > maxSums)
    throw new BridgeError('QUERY_TOO_EXPENSIVE', `the answer would have ${size} sums, more than ${maxSums}`)
  return yield* answerOf(looked, sections, selecting.seen)
}

/** The same of all winners of a table that may be seen. */
export function* aggregatingAll(
  table: RecordTable,
  access: readonly Scope[],
  query: TokenQuery,
  maxSums?: number,
  only?: Uint8Array,
): Work<TokenAnswer> {
  const snapshot = table.snapshot()
  try {
    return yield* aggregating({ table, snapshot, access, only }, query, maxSums)
  } finally {
    snapshot.close()
  }
}

/** The same at once, of everything. */
export const aggregate = (table: RecordTable, query: TokenQuery, only?: Uint8Array): TokenAnswer =>
  finished(aggregatingAll(table, EVERYTHING, query, undefined, only))

/** The sums of each section of an answer. */
interface Sections {
  whole: SumTable
  grouped: { key: string; sums: SumTable; numbered: Numbered }[]
  sessions: SumTable | undefined
}

const createSections = (table: RecordTable, { groupings, sessions }: TokenQuery): Sections => ({
  whole: new SumTable(),
  grouped: groupings.map((grouping) => ({
    key: groupingKey(grouping),
    sums: new SumTable(),
    numbered: numbered(table, grouping, STEP),
  })),
  sessions: sessions === true ? new SumTable() : undefined,
})

/** The group of each row of a step: one list for all groupings, which is read before the next one writes it. */
const groups = new Uint32Array(STEP)

function addTo(
  { whole, grouped, sessions }: Sections,
  { rows, kinds, count }: Selected,
  { columns }: RecordTable,
): void {
  whole.add(rows, ONE_GROUP, kinds, count, columns)
  for (const { sums, numbered } of grouped) {
    numbered.fill(rows, count, groups)
    sums.add(rows, groups, kinds, count, columns)
  }
  if (sessions === undefined) return
  const { session } = columns.texts
  for (let i = 0; i < count; i++) groups[i] = session[rows[i] as number] as number
  sessions.add(rows, groups, kinds, count, columns)
}

const sizeOf = ({ whole, grouped, sessions }: Sections): number =>
  grouped.reduce((size, { sums }) => size + sums.size, whole.size + (sessions?.size ?? 0))

function* answerOf(looked: Looked, { whole, grouped, sessions }: Sections, seen: Seen): Work<TokenAnswer> {
  const { model } = looked.table.texts
  const models: Models = { texts: model.texts, ranks: model.ranks() }
  yield
  const { firstAt, lastAt, sessions: seenSessions } = seen
  const answer: TokenAnswer = {
    whole: (yield* readGroups(whole, models, (_, usage) => usage))[0] ?? [],
    ...(seenSessions === undefined ? {} : { sessionCount: seenSessions.count }),
    firstAt: whole.size === 0 ? undefined : firstAt,
    lastAt: whole.size === 0 ? undefined : lastAt,
    groups: {},
  }
  for (const { key, sums, numbered } of grouped)
    answer.groups[key] = yield* readGroups(sums, models, (number, usage): GroupUsage => {
      const group: GroupUsage = { values: [], start: 0, usage }
      numbered.describe(number, group)
      return group
    })
  if (sessions !== undefined && seenSessions !== undefined)
    answer.sessions = yield* readGroups(sessions, models, (number, usage) =>
      sessionOf(looked, seenSessions, number, usage),
    )
  return answer
}

/** Project, user and host are those of its latest record. */
function sessionOf({ table, snapshot }: Looked, seen: SessionsSeen, session: number, usage: UsageSums[]): SessionUsage {
  const { columns: c } = table
  const row = snapshot.at(seen.latest[session] as number)
  const { project, user, host, path } = table.origins.at(c.origin[row] as number)
  return {
    id: table.texts.session.texts[session] as string,
    project,
    user,
    host,
    startedAt: seen.started?.[session] as number,
    lastActivityAt: c.time[row] as number,
    latestPath: path,
    latestOffset: c.rankOffset[row] as number,
    usage,
  }
}

/** The models by number, and their order. */
interface Models {
  texts: readonly string[]
  ranks: ArrayLike<number>
}

/** The groups of a table; the sums of each by model and tier. */
function* readGroups<T>(
  from: SumTable,
  { texts, ranks }: Models,
  make: (group: number, usage: UsageSums[]) => T,
): Work<T[]> {
  const usages = new Map<number, UsageSums[]>()
  const entries = from.entries(ranks)
  for (const [i, entry] of entries.entries()) {
    const group = from.groupOf(entry)
    const usage = usages.get(group)
    if (usage === undefined) usages.set(group, [from.read(entry, texts)])
    else usage.push(from.read(entry, texts))
    if (i % STEP === 0) yield
  }
  return Array.from(usages, ([group, usage]) => make(group, usage))
}
