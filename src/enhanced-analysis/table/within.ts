import { isEverything, type Scope, withinOneOf } from '../../domain/scope.ts'
import type { KnownFile } from './known-file.ts'
import type { RecordTable } from './record-table.ts'

/** By number of an origin, 1 where it is within one of the scopes: they are of nothing else. `undefined`: all are. */
export function markedOrigins({ origins }: RecordTable, access: readonly Scope[]): Uint8Array | undefined {
  if (isEverything(access)) return undefined
  const isWithin = withinOneOf(access)
  return Uint8Array.from(origins.list, (origin) => (isWithin(origin) ? 1 : 0))
}

/** Which logs somebody may see. A segment of the journal is nobody's own: only who sees everything sees it. */
export function visibleLogs(table: RecordTable, access: readonly Scope[]): (file: KnownFile) => boolean {
  const marks = markedOrigins(table, access)
  return marks === undefined ? () => true : (file) => !file.byMutation && marks[file.origin] === 1
}
