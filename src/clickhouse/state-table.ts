import type { StateTable } from '../ports/state-table.ts'
import type { Database } from './database.ts'
import { STATE_COLUMNS, stateSince } from './statements/operational-state.ts'

export function createStateTable(db: Database): StateTable {
  const looks = db.for('look')
  return {
    since: (told) => looks.query(stateSince, { told }),
    add: (rows) =>
      looks.insert(
        'add-state',
        'operational_state',
        STATE_COLUMNS,
        rows.map(({ id, entry }) => [id, entry]),
      ),
  }
}
