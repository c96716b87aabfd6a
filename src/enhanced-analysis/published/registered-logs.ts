import type { LogState } from '../../ports/logs.ts'

/** What the ledger knows of each log, to be looked for by what a file on disk may have in common with it. */
export interface RegisteredLogs {
  get(key: string): LogState | undefined
  values(): Iterable<LogState>
  /** Returns whether a file may be another log by it. */
  set(state: LogState): boolean
  /** Whether a log has this path in its name. */
  hasPath(path: string): boolean
  /** Logs that were registered at a path under their roots. */
  at(relativePath: string): LogState[]
  /** Logs that this file was, as far as its number on disk says. */
  placedAt(place: string): LogState[]
  /** Logs that begin with the same bytes. */
  beginningWith(to: number, sha256: string): LogState[]
  /** By how many bytes beginnings are known. */
  beginnings(): number[]
}

/** The file that stood where a log was registered. */
export const placeOf = ({ place, key }: LogState): string => place ?? key

export function createRegisteredLogs(): RegisteredLogs {
  const states = new Map<string, LogState>()
  const paths = createLookup(states)
  const relativePaths = createLookup(states)
  const places = createLookup(states)
  const heads = createLookup(states)
  const lengths = new Map<number, number>()
  const headOf = ({ head }: LogState): string => (head === undefined ? '' : `${head.to} ${head.sha256}`)
  const move = (from: LogState | undefined, to: LogState): boolean => {
    let hasMoved = false
    for (const [lookup, nameOf] of [
      [paths, ({ path }: LogState) => path],
      [relativePaths, ({ relativePath }: LogState) => relativePath],
      [places, placeOf],
      [heads, headOf],
    ] as const) {
      const before = from && nameOf(from)
      if (before === nameOf(to)) continue
      hasMoved = true
      if (before !== undefined) lookup.remove(before, to.key)
      lookup.add(nameOf(to), to.key)
    }
    return hasMoved
  }
  return {
    get: (key) => states.get(key),
    values: () => states.values(),
    set(state) {
      const before = states.get(state.key)
      states.set(state.key, state)
      if (before?.head !== undefined) lengths.set(before.head.to, (lengths.get(before.head.to) ?? 0) - 1)
      if (state.head !== undefined) lengths.set(state.head.to, (lengths.get(state.head.to) ?? 0) + 1)
      return move(before, state)
    },
    hasPath: (path) => paths.find(path).length > 0,
    at: relativePaths.find,
    placedAt: places.find,
    beginningWith: (to, sha256) => heads.find(`${to} ${sha256}`),
    beginnings: () => [...lengths].filter(([, count]) => count > 0).map(([to]) => to),
  }
}

function createLookup(states: ReadonlyMap<string, LogState>) {
  const keys = new Map<string, Set<string>>()
  return {
    add(name: string, key: string): void {
      const all = keys.get(name)
      if (all === undefined) keys.set(name, new Set([key]))
      else all.add(key)
    },
    remove(name: string, key: string): void {
      keys.get(name)?.delete(key)
    },
    find: (name: string): LogState[] => [...(keys.get(name) ?? [])].flatMap((key) => states.get(key) ?? []),
  }
}
