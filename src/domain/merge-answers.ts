import { isLater } from './latest-record.ts'
import { SUMS } from './token-counts.ts'
import type { GroupUsage, SessionUsage, TokenAnswer, UsageSums } from './token-query.ts'
import type { Work } from './work.ts'

/** Adds up two answers to the same query that count different records. Sessions may be in both: their number follows from `sessions`. It yields after each item of a list. */
export function* mergeAnswers(a: TokenAnswer, b: TokenAnswer): Work<TokenAnswer> {
  const merged: TokenAnswer = {
    whole: mergeSums(a.whole, b.whole),
    firstAt: least(a.firstAt, b.firstAt),
    lastAt: greatest(a.lastAt, b.lastAt),
    groups: {},
  }
  if (a.sessions !== undefined || b.sessions !== undefined) {
    merged.sessions = yield* mergeBy([...(a.sessions ?? []), ...(b.sessions ?? [])], ({ id }) => id, mergeSessions)
    merged.sessionCount = merged.sessions.length
  }
  for (const [grouping, groups] of Object.entries(a.groups))
    merged.groups[grouping] = yield* mergeBy([...groups, ...(b.groups[grouping] ?? [])], groupName, mergeGroups)
  return merged
}

export function mergeSums(a: readonly UsageSums[], b: readonly UsageSums[]): UsageSums[] {
  return addUp([...a, ...b])
}

/** Adds up those of the same model and tier. */
export function addUp(sums: readonly UsageSums[]): UsageSums[] {
  const added = createSums()
  added.add(sums)
  return added.all
}

/** Sums that are added up bit by bit: one of each model and tier. */
export function createSums(): { add(sums: readonly UsageSums[]): void; all: UsageSums[] } {
  const all: UsageSums[] = []
  const byModel = new Map<string, UsageSums[]>()
  const add = (one: UsageSums): void => {
    const tiers = byModel.get(one.model) ?? []
    byModel.set(one.model, tiers)
    const sum = tiers[one.tier]
    if (sum === undefined) {
      tiers[one.tier] = { ...one }
      all.push(tiers[one.tier] as UsageSums)
    } else for (const field of SUMS) sum[field] += one[field]
  }
  return { add: (sums) => sums.forEach(add), all }
}

/** Most groups have one value, or a start alone: their names cost nothing. */
function groupName({ values, start }: GroupUsage): string | number {
  if (values.length === 0) return start
  return values.length === 1 && start === 0 ? (values[0] as string) : JSON.stringify([values, start])
}

const mergeGroups = (a: GroupUsage, b: GroupUsage): GroupUsage => ({ ...a, usage: mergeSums(a.usage, b.usage) })

/** Project, user and host are those of the latest record of both. */
function mergeSessions(a: SessionUsage, b: SessionUsage): SessionUsage {
  return {
    ...(isLater(momentOf(a), momentOf(b)) ? a : b),
    startedAt: Math.min(a.startedAt, b.startedAt),
    usage: mergeSums(a.usage, b.usage),
  }
}

const momentOf = ({ lastActivityAt, latestPath, latestOffset, ...origin }: SessionUsage) => ({
  ...origin,
  time: lastActivityAt,
  path: latestPath,
  offset: latestOffset,
})

function* mergeBy<T, K>(items: readonly T[], keyOf: (item: T) => K, merge: (a: T, b: T) => T): Work<T[]> {
  const merged = new Map<K, T>()
  for (const item of items) {
    const key = keyOf(item)
    const known = merged.get(key)
    merged.set(key, known === undefined ? item : merge(known, item))
    yield
  }
  return [...merged.values()]
}

const least = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? (a ?? b) : Math.min(a, b)

const greatest = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? (a ?? b) : Math.max(a, b)
