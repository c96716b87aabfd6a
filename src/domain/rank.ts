import { compareUtf8 } from './compare-utf8.ts'

/** What decides which copy of an identity counts (rule 8). */
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
}

/**
 * Whether copy `a` wins over copy `b` (rule 8): a transcript's over a mutation's, the main chain's over a
 * sidechain's, then the larger total, then the earlier (time, path as UTF-8 bytes, offset). A total order
 * over places, so that the winner does not depend on the order of arrival.
 */
export function outranks(a: Rank, b: Rank): boolean {
  if ((a.byMutation ?? false) !== (b.byMutation ?? false)) return b.byMutation === true
  if (a.sidechain !== b.sidechain) return b.sidechain
  if (a.total !== b.total) return a.total > b.total
  if (a.time !== b.time) return a.time < b.time
  if (a.path !== b.path) return comparePaths(a.path ?? '', b.path ?? '') < 0
  return a.offset < b.offset
}

/** Orders paths as a database does. */
export const comparePaths = compareUtf8
