import { EVERYTHING } from '../../domain/scope.ts'
import type { TokenFilter } from '../../domain/token-query.ts'
import type { RecordTable } from './record-table.ts'
import { createSelecting, STEP } from './selecting.ts'

/** When something was used first and last; milliseconds since 1970. */
export interface Activity {
  firstAt: number
  lastAt: number
}

/** The first and the last record that a filter selects in each span of time of this length, by the span's start. */
export function activityIn(table: RecordTable, filter: TokenFilter, spanMs: number): Map<number, Activity> {
  const found = new Map<number, Activity>()
  const snapshot = table.snapshot()
  try {
    const selecting = createSelecting({ table, snapshot, access: EVERYTHING }, { filter, groupings: [] })
    for (let place = 0; place < snapshot.length; place += STEP) {
      const { rows, count } = selecting.step(place)
      for (let i = 0; i < count; i++) note(found, table.columns.time[rows[i] as number] as number, spanMs)
    }
  } finally {
    snapshot.close()
  }
  return found
}

function note(found: Map<number, Activity>, time: number, spanMs: number): void {
  const start = Math.floor(time / spanMs) * spanMs
  const known = found.get(start)
  if (known === undefined) found.set(start, { firstAt: time, lastAt: time })
  else if (time < known.firstAt) known.firstAt = time
  else if (time > known.lastAt) known.lastAt = time
}
