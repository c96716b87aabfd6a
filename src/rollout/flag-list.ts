import { FLAG_FACTS, FLAG_NAMES, type FlagKey, type KnownFlags } from '../ports/flags.ts'

/** A flag as operators see it. Moments are milliseconds since 1970. */
export interface ListedFlag {
  name: string
  kind: string
  enabled: boolean
  owner: string
  expectedEnd: number | null
  /** It should be gone by now. */
  overdue: boolean
  lastChangedAt: number | undefined
  asOf: number | undefined
}

const KEYS = Object.keys(FLAG_NAMES) as FlagKey[]

/** All flags, in the order in which they are declared. */
export const listFlags = ({ asOf, flags }: KnownFlags, now: number): ListedFlag[] =>
  KEYS.map((key) => {
    const { kind, owner } = FLAG_FACTS[key]
    const { enabled, lastChangedAt } = flags[key]
    return { name: FLAG_NAMES[key], kind, enabled, owner, ...endOf(key, now), lastChangedAt, asOf }
  })

/** Those that should be gone, with who answers for them. */
export const overdueFlags = (now: number): { name: string; owner: string; expectedEnd: string }[] =>
  KEYS.filter((key) => endOf(key, now).overdue).map((key) => ({
    name: FLAG_NAMES[key],
    owner: FLAG_FACTS[key].owner,
    expectedEnd: FLAG_FACTS[key].expectedEnd as string,
  }))

/** The day that is named is the last one on which it may be there. */
function endOf(key: FlagKey, now: number): Pick<ListedFlag, 'expectedEnd' | 'overdue'> {
  const { expectedEnd } = FLAG_FACTS[key]
  if (expectedEnd === null) return { expectedEnd, overdue: false }
  const end = Date.parse(expectedEnd)
  return { expectedEnd: end, overdue: now >= end + DAY_MS }
}

const DAY_MS = 86_400_000
