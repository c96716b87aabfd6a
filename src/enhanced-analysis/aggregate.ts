import { comparePaths } from '../domain/rank.ts'
import {
  contextTierOf,
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

/**
 * Sums the winners that the filter selects, in one pass: all sections of the answer are of the same moment.
 * `only`, by row, narrows it to the winners that are 1 in it.
 */
export function aggregate(table: RecordTable, query: TokenQuery, only?: Uint8Array): TokenAnswer {
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

  const asked = new Set(query.groupings)
  const whole = new SumTable()
  const byProject = asked.has('project') ? new SumTable() : undefined
  const byUser = asked.has('user') ? new SumTable() : undefined
  const bySession = asked.has('session') ? new SumTable() : undefined
  const bySlot = asked.has('slot') ? new SumTable() : undefined
  const latest = new Int32Array(table.sessions.texts.length).fill(-1)
  const started = bySession === undefined ? undefined : new Float64Array(latest.length).fill(Number.POSITIVE_INFINITY)
  let sessionCount = 0
  let firstAt = Number.POSITIVE_INFINITY
  let lastAt = Number.NEGATIVE_INFINITY

  for (let row = 0; row < c.length; row++) {
    if (((c.flags[row] as number) & WINS) === 0 || only?.[row] === 0) continue
    const time = c.time[row] as number
    const origin = c.origin[row] as number
    const model = c.model[row] as number
    const session = c.session[row] as number
    if (time < from || time >= to) continue
    if (selectsOrigin?.[origin] === 0 || selectsModel?.[model] === 0 || selectsSession?.[session] === 0) continue
    const prompt =
      (c.input[row] as number) +
      (c.cacheRead[row] as number) +
      (c.cacheCreation5m[row] as number) +
      (c.cacheCreation1h[row] as number)
    const tier = contextTierOf(prompt)
    whole.add(0, model, tier, c, row)
    byProject?.add(projectOf[origin] as number, model, tier, c, row)
    byUser?.add(userOf[origin] as number, model, tier, c, row)
    bySession?.add(session, model, tier, c, row)
    bySlot?.add(Math.floor(time / SLOT_MS), model, tier, c, row)
    if (time < firstAt) firstAt = time
    if (time > lastAt) lastAt = time
    const last = latest[session] as number
    if (last < 0) sessionCount++
    if (last < 0 || isLater(table, row, last)) latest[session] = row
    if (started !== undefined && time < (started[session] as number)) started[session] = time
  }

  const models = table.models.texts
  const sums = (entries: Iterable<number>, from: SumTable): UsageSums[] => [...entries].map((i) => from.read(i, models))
  const keyed = (from: SumTable, name: (group: number) => string): KeyedUsage[] =>
    [...from.groups()].map(([group, entries]) => ({ key: name(group), usage: sums(entries, from) }))

  const answer: TokenAnswer = {
    whole: sums(whole.entries(), whole),
    sessionCount,
    firstAt: sessionCount === 0 ? undefined : firstAt,
    lastAt: sessionCount === 0 ? undefined : lastAt,
  }
  if (byProject !== undefined) answer.byProject = keyed(byProject, (group) => projects.texts[group] as string)
  if (byUser !== undefined) answer.byUser = keyed(byUser, (group) => users.texts[group] as string)
  if (bySlot !== undefined)
    answer.bySlot = [...bySlot.groups()].map(
      ([slot, entries]): SlotUsage => ({ start: slot * SLOT_MS, usage: sums(entries, bySlot) }),
    )
  if (bySession !== undefined)
    answer.bySession = [...bySession.groups()].map(([session, entries]): SessionUsage => {
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
        usage: sums(entries, bySession),
      }
    })
  return answer
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
