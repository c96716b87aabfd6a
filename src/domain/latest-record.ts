import { compareUtf8 } from './compare-utf8.ts'

/** What decides which record of a session is its latest one. */
export interface Moment {
  /** Milliseconds since 1970. */
  time: number
  path: string
  offset: number
  project: string
  user: string
  host: string
}

/**
 * Whether record `a` of a session is later than `b`: by time, then by path and offset. What came by mutation may name one
 * origin twice: then by what a session shows of its latest record, so that it is the same one in every source.
 */
export function isLater(a: Moment, b: Moment): boolean {
  if (a.time !== b.time) return a.time > b.time
  const byPath = compareUtf8(a.path, b.path)
  if (byPath !== 0) return byPath > 0
  if (a.offset !== b.offset) return a.offset > b.offset
  for (const name of ['project', 'user', 'host'] as const) {
    const order = compareUtf8(a[name], b[name])
    if (order !== 0) return order > 0
  }
  return false
}
