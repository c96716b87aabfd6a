import { isEverything, type Scope, withinOneOf } from '../../domain/scope.ts'
import type { KnownFile } from './known-file.ts'
import type { Origins } from './origins.ts'
import type { RecordTable } from './record-table.ts'

/** What was marked for scopes: a request asks with the same ones for each of its queries. */
const marked = new WeakMap<readonly Scope[], { origins: Origins; marks: Uint8Array }>()

/** By number of an origin, 1 where it is within one of the scopes: they are of nothing else. `undefined`: all are. */
export function markedOrigins({ origins }: RecordTable, access: readonly Scope[]): Uint8Array | undefined {
  if (isEverything(access)) return undefined
  const known = marked.get(access)
  if (known?.origins === origins && known.marks.length === origins.list.length) return known.marks
  const marks = markAll(origins, access)
  marked.set(access, { origins, marks })
  return marks
}

/** Each file is an origin, but few differ in user, project and host: scopes are looked at once for each of those. */
function markAll({ list }: Origins, access: readonly Scope[]): Uint8Array {
  const isWithin = withinOneOf(access)
  const known = new Map<string, number>()
  return Uint8Array.from(list, (origin) => {
    const name = `${origin.project}\0${origin.user}\0${origin.host}`
    const mark = known.get(name) ?? (isWithin(origin) ? 1 : 0)
    known.set(name, mark)
    return mark
  })
}

/** Which logs somebody may see. A segment of the journal is nobody's own: only who sees everything sees it. */
export function visibleLogs(table: RecordTable, access: readonly Scope[]): (file: KnownFile) => boolean {
  const marks = markedOrigins(table, access)
  return marks === undefined ? () => true : (file) => !file.byMutation && marks[file.origin] === 1
}
