import { compareUtf8 } from './compare-utf8.ts'

/** What decides which copy of an identity counts, of those that take part (rule 8). */
export interface Rank {
  /** Came by mutation, not from a transcript; absent: it did not. */
  byMutation?: boolean
  sidechain: boolean
  /** Input + output + cache creation + cache read. */
  total: number
  /** Milliseconds since 1970. */
  time: number
  /** Path of the log; absent where both copies are of one log. */
  path?: string
  /** Byte offset of the line in the log. */
  offset: number
  /** Key of the log that it stands in; absent where both copies are of one log. */
  key?: string
  /** Where it stands in that log, in bytes; absent where both are lines of one transcript, of which `offset` says it. */
  position?: number
}

/**
 * Whether copy `a` wins over copy `b` (rule 8): a transcript's over a mutation's, the main chain's over a
 * sidechain's, then the larger total, then the earlier (time, path as UTF-8 bytes, offset). What came by mutation may
 * name one origin twice: then the earlier place. A total order over places, so that the winner does not depend on the
 * order of arrival.
 */
export function outranks(a: Rank, b: Rank): boolean {
  if ((a.byMutation ?? false) !== (b.byMutation ?? false)) return b.byMutation === true
  if (a.sidechain !== b.sidechain) return b.sidechain
  if (a.total !== b.total) return a.total > b.total
  if (a.time !== b.time) return a.time < b.time
  if (a.path !== b.path) return comparePaths(a.path ?? '', b.path ?? '') < 0
  if (a.offset !== b.offset) return a.offset < b.offset
  if (a.key !== b.key) return compareUtf8(a.key ?? '', b.key ?? '') < 0
  return (a.position ?? 0) < (b.position ?? 0)
}

/** Orders paths as a database does. */
export const comparePaths = compareUtf8

/** What decides whose copies of an identity take part, of those that came by mutation (rule 8). */
export interface Claim {
  /** When it was acknowledged: `RecordCopy.stamp` of the user's first copy in its segment. */
  stamp: number
  /** Key of the segment of the journal that it stands in. */
  segment: string
  /** Whose record it is. */
  user: string
  /** Of a copy without a stamp (0): its place in the segment, by which it is told from others of that segment. */
  position?: number
}

/**
 * Whether claim `a` was there before claim `b`: the user of the first one owns the identity, and the copies of others do
 * not take part. By stamp, then by segment; in one segment stamps are different, but for those of an earlier release and
 * of records that nobody else can have: among these it is the same user everywhere.
 */
export function isClaimedBefore(a: Claim, b: Claim): boolean {
  if (a.stamp !== b.stamp) return a.stamp < b.stamp
  if (a.segment !== b.segment) return compareUtf8(a.segment, b.segment) < 0
  if (a.stamp === 0 && a.position !== b.position) return (a.position ?? 0) < (b.position ?? 0)
  return compareUtf8(a.user, b.user) < 0
}

/** How rule 8 sees copies of some kind. */
export interface Judged<Copy> {
  rankOf(copy: Copy): Rank
  /** Asked of copies that came by mutation alone. */
  claimOf(copy: Copy): Claim
}

/** Which of all copies of an identity counts (rule 8). There must be one at least. */
export function elect<Copy>(copies: readonly Copy[], { rankOf, claimOf }: Judged<Copy>): Copy {
  const bestOf = (some: readonly Copy[]): Copy =>
    some.reduce((best, copy) => (outranks(rankOf(copy), rankOf(best)) ? copy : best))
  const best = bestOf(copies)
  // nobody owns what a transcript says
  if (rankOf(best).byMutation !== true) return best
  const owner = copies.reduce((first, copy) => (isClaimedBefore(claimOf(copy), claimOf(first)) ? copy : first))
  const { user } = claimOf(owner)
  return bestOf(copies.filter((copy) => claimOf(copy).user === user))
}
