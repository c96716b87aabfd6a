import { BridgeError } from '../domain/errors.ts'
import { describePublisher } from '../domain/publisher-name.ts'
import type { Database, Params } from './database.ts'
import type { PublishingStatement } from './statement-names.ts'
import { currentFence } from './statements/fence.ts'

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
