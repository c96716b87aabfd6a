import { BridgeError } from '../domain/errors.ts'
import { describePublisher } from '../domain/publisher-name.ts'
import type { Database, Params } from './database.ts'
import { currentFence } from './statements/fence.ts'
import type { CountedTable } from './statements/rebuild-winners.ts'

/** Every statement that changes what readers see, or is on the way to it: the tests kill a server before and after each. */
export type PublishingStatement =
  | 'note-batches'
  | 'mark-batches'
  | 'publish'
  | 'retire'
  | 'publish-kept'
  | 'elect-missing'
  | 'elect-slice'
  | 'time-winners'
  | 'sum-changed'
  | 'copy-by-time'
  | 'sum-slots'
  | 'note-filled'
  | `drop-${CountedTable}-next`
  | `make-${CountedTable}-next`
  | `swap-${CountedTable}`
  | `drop-old-${CountedTable}`
  | 'drop-run'
  | 'delete-retired'

/** Statements that change what readers see, and that change nothing once somebody else has the right to publish. */
export interface Fenced {
  epoch: number
  /** Not fenced: readers see nothing of it, or the right is looked at before it. */
  command(name: PublishingStatement, sql: string, params?: Params): Promise<void>
  /** One that comes too late changes nothing and says nothing. To be followed by `stillOurs`. */
  note(name: PublishingStatement, sql: string, params: Params): Promise<void>
  /** Throws CONFLICT once somebody else has the right to publish. */
  stillOurs(): Promise<void>
}

export function createFenced(db: Database, epoch: number): Fenced {
  const command: Fenced['command'] = (name, sql, params) => db.command(name, sql, params)
  return {
    epoch,
    command,
    note: (name, sql, params) => command(name, sql, { ...params, epoch }),
    async stillOurs() {
      const [current] = await db.query(currentFence)
      if (current !== undefined && current.epoch > epoch)
        throw new BridgeError('CONFLICT', `${describePublisher(current.holder)} publishes to this database now`)
    },
  }
}
