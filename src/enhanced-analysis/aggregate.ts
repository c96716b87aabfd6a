import { BridgeError } from '../domain/errors.ts'
import { comparePaths } from '../domain/rank.ts'
import {
  contextTierOf,
  type Grouping,
  type KeyedUsage,
  type SessionUsage,
  SLOT_MS,
  type SlotUsage,
  type TokenAnswer,
  type TokenFilter,
  type TokenQuery,
  type UsageSums,
} from '../domain/token-query.ts'
import type { Origin } from '../domain/token-record.ts'
import { createDictionary, type Dictionary } from './dictionary.ts'
import { WINS } from './record-columns.ts'
import type { RecordTable } from './record-table.ts'
import { SumTable } from './sum-table.ts'
import { finished, type Work } from './work.ts'

/** Rows, or sums, between two places where the work may be interrupted. */
const STEP = 2048

/** What is summed up by one number of each row. */
interface Grouped {
  table: SumTable
  groupOf: (row: number) => number
}

/**
 * Sums the winners that the filter selects, in one pass: all sections of the answer are of the same moment.
 * `only`, by row, narrows it to the winners that are 1 in it. Nothing may change until it is done.
 * Throws QUERY_TOO_EXPENSIVE where the answer would have more than `maxSums` sums.
 */
export function* aggregating(
  table: RecordTable,
  query: TokenQuery,
  only?: Uint8Array,
  maxSums = Number.POSITIVE_INFINITY,
): Work<TokenAnswer> {
  const { columns: c } = table
  const origins = table.origins.list
  const users = createDictionary()
  const projects = createDictionary()
  const userOf = Uint32Array.from(origins, ({ user }) => users.add(user))
  const projectOf = Uint32Array.from(origins, ({ project }) => projects.add(project))
  const selectsOrigin = originSelector(origins, query.filter)
  const selectsModel = selector(table.models, query.filter.models)
  const selectsSession = selector(table.sessions, query.filter.sessionIds)
  const from = query.filter.from ?? Number.NEGATIVE_INFINITY
  const to = query.filter.to ?? Number.POSITIVE_INFINITY

  const grouped = (grouping: Grouping, groupOf: Grouped['groupOf']): Grouped | undefined =>
    query.groupings.includes(grouping) ? { table: new SumTable(), groupOf } : undefined
  const whole = new SumTable()
  const byProject = grouped('project', (row) => projectOf[c.origin[row] as number] as number)
  const byUser = grouped('user', (row) => userOf[c.origin[row] as number] as number)
  const bySession = grouped('session', (row) => c.session[row] as number)
  const bySlot = grouped('slot', (row) => Math.floor((c.time[row] as number) / SLOT_MS))
  const groups = [byProject, byUser, bySession, bySlot].filter((group) => group !== undefined)
  const latest = new Int32Array(table.sessions.texts.length).fill(-1)
  const started = bySession === undefined ? undefined : new Float64Array(latest.length).fill(Number.POSITIVE_INFINITY)
  let sessionCount = 0
  let firstAt = Number.POSITIVE_INFINITY
  let lastAt = Number.NEGATIVE_INFINITY

  const addRow = (row: number): void => {
    if (((c.flags[row] as number) & WINS) === 0 || only?.[row] === 0) return
    const time = c.time[row] as number
    const model = c.model[row] as number
    const session = c.session[row] as number
    if (time < from || time >= to) return
    if (selectsOrigin?.[c.origin[row] as number] === 0) return
    if (selectsModel?.[model] === 0 || selectsSession?.[session] === 0) return
    const prompt =
      (c.input[row] as number) +
      (c.cacheRead[row] as number) +
      (c.cacheCreation5m[row] as number) +
      (c.cacheCreation1h[row] as number)
    const tier = contextTierOf(prompt)
    whole.add(0, model, tier, c, row)
    for (const group of groups) group.table.add(group.groupOf(row), model, tier, c, row)
    if (time < firstAt) firstAt = time
    if (time > lastAt) lastAt = time
    const last = latest[session] as number
    if (last < 0) sessionCount++
    if (last < 0 || isLater(table, row, last)) latest[session] = row
    if (started !== undefined && time < (started[session] as number)) started[session] = time
  }
  for (let row = 0; row < c.length; row++) {
    addRow(row)
    if (row % STEP === 0) yield
  }

  const size = groups.reduce((sum, group) => sum + group.table.size, whole.size)
  if (size > maxSums)
    throw new BridgeError('QUERY_TOO_EXPENSIVE', `the answer would have ${size} sums, more than ${maxSums}`)
  const { texts } = table.models
  const ranks = table.models.ranks()
  yield
  const sessionOf = (session: number, usage: UsageSums[]): SessionUsage => {
    const row = latest[session] as number
    const { project, user, host, path } = table.origins.at(c.origin[row] as number)
    return {
      id: table.sessions.texts[session] as string,
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
  const keyed =
    (names: Dictionary) =>
    (group: number, usage: UsageSums[]): KeyedUsage => ({ key: names.texts[group] as string, usage })
  const slotOf = (slot: number, usage: UsageSums[]): SlotUsage => ({ start: slot * SLOT_MS, usage })

  const answer: TokenAnswer = {
    whole: (yield* readGroups(whole, texts, ranks, (_, usage) => usage))[0] ?? [],
    sessionCount,
    firstAt: sessionCount === 0 ? undefined : firstAt,
    lastAt: sessionCount === 0 ? undefined : lastAt,
  }
  if (byProject !== undefined) answer.byProject = yield* readGroups(byProject.table, texts, ranks, keyed(projects))
  if (byUser !== undefined) answer.byUser = yield* readGroups(byUser.table, texts, ranks, keyed(users))
  if (bySlot !== undefined) answer.bySlot = yield* readGroups(bySlot.table, texts, ranks, slotOf)
  if (bySession !== undefined) answer.bySession = yield* readGroups(bySession.table, texts, ranks, sessionOf)
  return answer
}

export function aggregate(table: RecordTable, query: TokenQuery, only?: Uint8Array): TokenAnswer {
  return finished(aggregating(table, query, only))
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

/** 1 for each number whose text is asked for; `undefined` where all are. */
function selector(dictionary: Dictionary, texts: readonly string[] | undefined): Uint8Array | undefined {
  if (texts === undefined) return undefined
  const selected = new Uint8Array(dictionary.texts.length)
  for (const text of texts) {
    const number = dictionary.find(text)
    if (number !== undefined) selected[number] = 1
  }
  return selected
}

function originSelector(origins: readonly Origin[], filter: TokenFilter): Uint8Array | undefined {
  const { projects, users, hosts } = filter
  if (projects === undefined && users === undefined && hosts === undefined) return undefined
  return Uint8Array.from(origins, ({ project, user, host }) => {
    const selected =
      (projects?.includes(project) ?? true) && (users?.includes(user) ?? true) && (hosts?.includes(host) ?? true)
    return selected ? 1 : 0
  })
}
