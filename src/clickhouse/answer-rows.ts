import type { Breakdown } from '../domain/cuts.ts'
import { bucketsOf, type Grouping, groupingKey } from '../domain/dimensions.ts'
import { isLater } from '../domain/latest-record.ts'
import { addUp } from '../domain/merge-answers.ts'
import { bucketStarts } from '../domain/time-buckets.ts'
import {
  type CutGroups,
  type GroupUsage,
  type SessionUsage,
  SLOT_MS,
  type TokenAnswer,
  type TokenQuery,
  type UsageSums,
} from '../domain/token-query.ts'
import { eachGivingWay, mapGivingWay } from '../turns/pace.ts'
import { type AnswerRow, type Latest, type SessionRow, setsOf } from './statements/answer.ts'
import type { CutRow } from './statements/cut-breakdown.ts'
import type { SumsRow } from './statements/record-sql.ts'

// What rows of statements are, as an answer has it.

export async function toAnswer(query: TokenQuery, rows: readonly AnswerRow[]): Promise<TokenAnswer> {
  const byKind = await groupRows(rows, ({ kind }) => kind)
  const whole = byKind.get(WHOLE) ?? []
  const answer: TokenAnswer = {
    whole: await mapGivingWay(whole, toSums),
    firstAt: whole.length === 0 ? undefined : earliest(whole),
    lastAt: whole.length === 0 ? undefined : latest(whole),
    groups: {},
  }
  const { setOf } = setsOf(query)
  for (const [i, grouping] of query.groupings.entries())
    answer.groups[groupingKey(grouping)] = await toGroups(grouping, byKind.get(setOf[i] as number) ?? [])
  return answer
}

/** The kind of the rows that are of no grouping. */
const WHOLE = -1

async function toGroups(grouping: Grouping, rows: readonly AnswerRow[]): Promise<GroupUsage[]> {
  const keysOf = ({ key }: AnswerRow): string[] => (grouping.length === 1 ? [key] : (JSON.parse(key) as string[]))
  const buckets = bucketsOf(grouping)
  if (buckets === undefined)
    return mapGivingWay(await groupRows(rows, keyOf), ([, list]) => ({
      values: keysOf(list[0] as AnswerRow),
      start: 0,
      usage: list.map(toSums),
    }))
  const startOf = bucketStarts(buckets)
  const placeOf = (row: AnswerRow): Pick<GroupUsage, 'values' | 'start'> => {
    const values = keysOf(row)
    // the slot is the last of the columns
    const slot = Number(values.pop())
    return { values, start: startOf(slot * SLOT_MS) }
  }
  const byBucket = await groupRows(rows, (row) => {
    const { values, start } = placeOf(row)
    return values.length === 0 ? start : JSON.stringify([values, start])
  })
  return mapGivingWay(byBucket, ([, list]) => ({
    ...placeOf(list[0] as AnswerRow),
    usage: addUp(list.map(toSums)),
  }))
}

const keyOf = ({ key }: Pick<AnswerRow, 'key'>): string => key

// not `Math.min(...rows)`: there may be more rows than a call can have arguments
const earliest = (rows: readonly AnswerRow[]): number =>
  rows.reduce((first, { first_ms }) => Math.min(first, first_ms), Number.POSITIVE_INFINITY)

const latest = (rows: readonly AnswerRow[]): number =>
  rows.reduce((last, { last_ms }) => Math.max(last, last_ms), Number.NEGATIVE_INFINITY)

export async function toSessions(rows: readonly SessionRow[]): Promise<SessionUsage[]> {
  return mapGivingWay(await groupRows(rows, keyOf), ([id, list]) => {
    const [project, user, host, , path, offset] = latestOf(list)
    return {
      id,
      project,
      user,
      host,
      startedAt: earliest(list),
      lastActivityAt: latest(list),
      latestPath: path,
      latestOffset: offset,
      usage: list.map(toSums),
    }
  })
}

/** The latest record among those of all models and tiers. */
const latestOf = (rows: readonly SessionRow[]): Latest =>
  rows.map((row) => row.latest).reduce((a, b) => (isLater(momentOf(b), momentOf(a)) ? b : a))

const momentOf = ([project, user, host, time, path, offset]: Latest) => ({ project, user, host, time, path, offset })

/** In the order of the first of each; others have their turns in between. */
async function groupRows<Name, Row>(rows: readonly Row[], nameOf: (row: Row) => Name): Promise<Map<Name, Row[]>> {
  const groups = new Map<Name, Row[]>()
  await eachGivingWay(rows, (row) => {
    const name = nameOf(row)
    const list = groups.get(name)
    if (list === undefined) groups.set(name, [row])
    else list.push(row)
  })
  return groups
}

const toSums = (row: SumsRow): UsageSums => ({
  model: row.model,
  tier: row.tier,
  input: row.input_sum,
  output: row.output_sum,
  cacheRead: row.cacheRead_sum,
  cacheCreation5m: row.cacheCreation5m_sum,
  cacheCreation1h: row.cacheCreation1h_sum,
  records: row.records,
})

/** Slots of the same bucket are put together. */
export async function toCutGroups(rows: readonly CutRow[], buckets: Breakdown['buckets']): Promise<CutGroups> {
  const startOf = buckets === undefined ? () => 0 : bucketStarts(buckets)
  const places = await groupRows(rows, ({ told, values, slot }) =>
    JSON.stringify([told, values, startOf(slot * SLOT_MS)]),
  )
  const cut: CutGroups = { told: [], others: [] }
  await eachGivingWay(places.values(), (list) => {
    const { told, values, slot } = list[0] as CutRow
    const usage = addUp(list.map(toSums))
    const start = startOf(slot * SLOT_MS)
    if (told === 1) cut.told.push({ values, start, usage })
    else cut.others.push({ values: [], start, usage })
  })
  return cut
}
