import { type Breakdown, breakdownKey, type SessionCut, sessionCutKey } from '../domain/cuts.ts'
import { DIMENSIONS } from '../domain/dimensions.ts'
import { fieldOf } from '../domain/record-fields.ts'
import { sessionOrderOf } from '../domain/session-page.ts'
import { type SessionUsage, SLOT_MS, type TokenAnswer, type TokenQuery } from '../domain/token-query.ts'
import type { PriceList } from '../ports/price-list.ts'
import type { Beside, PublishedQuery } from '../ports/record-store.ts'
import { toCutGroups, toSessions } from './answer-rows.ts'
import type { Database, Params, Statement } from './database.ts'
import { combinationsIn } from './listed.ts'
import { sessionCountStatement, sessionsStatement } from './statements/answer.ts'
import type { Listed, Within } from './statements/counted-rows.ts'
import { cutStatement } from './statements/cut-breakdown.ts'
import { type Priced, pricedSql } from './statements/priced.ts'
import { BREAKDOWN_RANKS, type RankedRow, rankedStatement } from './statements/ranked.ts'

/** What is asked with. */
export interface Asking {
  query: Database['query']
  /** The same for statements that tell sums, of which one answer has a bounded number. */
  sums<Row>(asking: { statement: Statement<Row>; params: Params }): Promise<Row[]>
  prices: PriceList
  within: Within
}

type Cut = Pick<TokenAnswer, 'sessions' | 'sessionPages' | 'sessionCount' | 'breakdowns'>

/**
 * What a query asks for the first of, ordered and cut in the database. Of one moment with `whole`, which names the models
 * that there are, as long as nothing is published in between.
 */
export async function cutParts(asking: Asking, query: PublishedQuery, whole: TokenAnswer['whole']): Promise<Cut> {
  const { sessionPages = [], breakdowns = [], sessions = false, beside } = query
  const pages = sessions ? [] : sessionPages
  const byCost = [...pages.map(({ order }) => order), ...breakdowns.map(({ orderBy }) => orderBy)]
  const models = byCost.some((order) => order.startsWith('COST')) ? [...new Set(whole.map(({ model }) => model))] : []
  await asking.prices.learn(models)
  const priced = pricedSql(models, asking.prices.priceOf)
  const cut: Cut = {}
  if (!sessions && (query.countSessions === true || pages.length > 0))
    Object.assign(cut, await sessionParts(asking, query, pages, priced))
  if (breakdowns.length === 0) return cut
  cut.breakdowns = {}
  for (const one of breakdowns) {
    const key = breakdownKey(one)
    cut.breakdowns[key] = await cutBreakdown(asking, query.filter, one, priced, beside?.combinations[key] ?? [])
  }
  return cut
}

/** Pages of sessions that nobody else has something of, those of whom others have as a whole, and how many there are. */
async function sessionParts(
  asking: Asking,
  { filter, beside }: PublishedQuery,
  pages: readonly SessionCut[],
  priced: Priced,
): Promise<Cut> {
  const { query, within } = asking
  const others = othersIn(
    (beside?.sessions ?? []).map((id) => [id]),
    1,
  )
  const apart: Within =
    others === undefined
      ? within
      : { ...within, only: { conditions: [`session NOT IN ${others.sql}`], params: others.params } }
  const first = new Map<string, RankedRow[]>()
  for (const cut of pages) {
    const { statement, params } = rankedStatement(filter, apart, sessionRanking(cut, priced))
    first.set(sessionCutKey(cut), await query(statement, params))
  }
  const counted = [...first.values()].find(([row]) => row !== undefined)?.[0]?.all_groups
  const sessionCount = counted ?? (await countSessions(query, filter, apart))
  if (pages.length === 0) return { sessionCount }
  const found = new Map(
    (await tellSessions(asking, filter, [...first.values()].flat(), others)).map((one) => [one.id, one]),
  )
  const sessionPages: Record<string, SessionUsage[]> = {}
  for (const [key, rows] of first)
    sessionPages[key] = rows.map(({ values: [id = ''] }) => found.get(id) as SessionUsage)
  const told = beside && { sessions: beside.sessions.flatMap((id) => found.get(id) ?? []) }
  return { ...told, sessionCount, sessionPages }
}

/** What others have something of; `undefined` where that is nothing. */
const othersIn = (combinations: readonly (readonly string[])[], columns: number): Listed | undefined =>
  combinations.length === 0 ? undefined : combinationsIn('beside', combinations, columns)

async function countSessions(query: Database['query'], filter: TokenQuery['filter'], within: Within): Promise<number> {
  const { statement, params } = sessionCountStatement({ filter }, within)
  return (await query(statement, params))[0]?.sessions ?? 0
}

const sessionRanking = ({ order, first, after }: SessionCut, priced: Priced) => {
  const { by, descending } = sessionOrderOf(order)
  return {
    columns: ['session'],
    by,
    descending: { rank: descending, values: descending },
    after: after && { rank: after.rank, value: after.id },
    // one more tells that there is another page
    first: first + 1,
    priced,
    where: undefined,
  }
}

/** The sessions of some rows, and others, with all that is told of them. */
async function tellSessions(
  { sums, within }: Asking,
  filter: TokenQuery['filter'],
  rows: readonly RankedRow[],
  others: Listed | undefined,
): Promise<SessionUsage[]> {
  if (rows.length === 0 && others === undefined) return []
  const ids = [...new Set(rows.map(({ values: [id = ''] }) => id))]
  const wanted = combinationsIn(
    'wanted',
    ids.map((id) => [id]),
    1,
  )
  const isWanted = `session IN ${wanted.sql}`
  const conditions = others === undefined ? [isWanted, ...slotsOf(rows)] : [`(${isWanted} OR session IN ${others.sql})`]
  const only = { conditions, params: { ...wanted.params, ...others?.params } }
  return toSessions(await sums(sessionsStatement({ filter }, { ...within, only })))
}

/** The slots that these sessions are in. */
function slotsOf(rows: readonly RankedRow[]): string[] {
  const first = Math.min(...rows.map(({ first_ms }) => first_ms))
  const last = Math.max(...rows.map(({ last_ms }) => last_ms))
  return [`slot >= ${Math.floor(first / SLOT_MS)}`, `slot <= ${Math.floor(last / SLOT_MS)}`]
}

/** The first combinations of a breakdown, those of which others have something, and what is left. */
async function cutBreakdown(
  { query, sums, within }: Asking,
  filter: TokenQuery['filter'],
  { by, buckets, first, orderBy }: Breakdown,
  priced: Priced,
  beside: Beside['combinations'][string],
) {
  const columns = by.map((name) => fieldOf(DIMENSIONS[name].field).column)
  const texts = columns.map((column) => `toString(${column})`)
  const tuple = texts.length === 1 ? (texts[0] as string) : `(${texts.join(', ')})`
  const others = othersIn(beside, columns.length)
  const ranking = {
    columns,
    by: BREAKDOWN_RANKS[orderBy],
    descending: { rank: true, values: false },
    first,
    priced,
    where: others && `${tuple} NOT IN ${others.sql}`,
  }
  const ranked = rankedStatement(filter, within, ranking)
  const rows = await query(ranked.statement, { ...ranked.params, ...others?.params })
  const wanted = combinationsIn(
    'wanted',
    rows.map(({ values }) => values),
    columns.length,
  )
  const isTold = [wanted, ...(others === undefined ? [] : [others])].map(({ sql }) => `${tuple} IN ${sql}`)
  const told = cutStatement(filter, within, { buckets, columns, isTold: isTold.join(' OR ') })
  const params = { ...told.params, ...wanted.params, ...others?.params }
  return toCutGroups(await sums({ statement: told.statement, params }), buckets)
}
