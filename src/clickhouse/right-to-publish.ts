import { BridgeError } from '../domain/errors.ts'
import { describePublisher } from '../domain/publisher-name.ts'
import type { Database } from './database.ts'
import { currentFence, epochAfter, TAKE_FENCE } from './statements/fence.ts'
import { BEAT, currentHolder, RELEASE } from './statements/heartbeat.ts'
import { leftTables } from './statements/rebuild-winners.ts'

/** Asking for the right to publish: it was taken, or somebody else has it and is alive. */
export type RightAnswer = { kind: 'taken'; right: RightToPublish } | { kind: 'held'; by: string }

/** The right to publish to a database: as long as nobody else takes it, and that is while this process is alive. */
export interface RightToPublish {
  /** Carries it: statements of an earlier one change nothing that readers see. */
  epoch: number
  release(): Promise<void>
}

/** Who did not tell for so long that it is alive is taken for gone. */
const ALIVE_MS = 8000
const BEAT_MS = 2000

/**
 * Takes the right from whoever had it before, without asking: what they still send is written, and never counts. Returns
 * the epoch that carries the right: nobody else has the same one, and the largest counts. Throws CONFLICT where somebody
 * else took a larger one at the same time.
 */
export async function takeRightToPublish(db: Database, holder: string): Promise<number> {
  const [before] = await db.query(currentFence)
  const epoch = epochAfter(before?.epoch ?? 0)
  await db.command('take-fence', TAKE_FENCE, { epoch, holder })
  const [current] = await db.query(currentFence)
  if (current?.epoch !== epoch)
    throw new BridgeError('CONFLICT', `${describePublisher(current?.holder ?? '')} took the database at the same time`)
  for (const { name } of await db.query(leftTables))
    await db.command('drop-left-table', `DROP TABLE IF EXISTS ${name} SYNC`, {}, { repeatable: true })
  return epoch
}

export interface AskingOptions {
  db: Database
  /** Names the process; it begins with `place`. */
  holder: string
  /** What only one process at a time has: whoever had it before is gone, and its right is taken at once. */
  place: string
  /** The database answers again, after it did not. */
  onBack?: () => void
  aliveMs?: number
}

/**
 * Asks for the right, and tells while it is held that its holder is alive. How long somebody did not tell is measured by
 * the clock of the database alone. Correctness does not depend on it: a holder who stalled is stopped by its epoch.
 */
export async function askForRight(options: AskingOptions): Promise<RightAnswer> {
  const { db, holder, place, aliveMs = ALIVE_MS } = options
  const [current] = await db.for('look').query(currentHolder)
  if (current !== undefined && !current.released && current.silentMs < aliveMs && !current.holder.startsWith(place))
    return { kind: 'held', by: current.holder }
  const epoch = await takeRightToPublish(db, holder)
  const stop = beat(options, epoch)
  return {
    kind: 'taken',
    right: {
      epoch,
      async release() {
        stop()
        await db.command('release-right', RELEASE, { epoch }).catch(() => undefined)
      },
    },
  }
}

/** Tells again and again that the holder is alive, and notices when the database is back. Returns what ends it. */
function beat({ db, onBack }: AskingOptions, epoch: number): () => void {
  const look = db.for('look')
  let isAway = false
  const timer = setInterval(() => {
    look.command('heartbeat', BEAT, { epoch }).then(
      () => {
        if (isAway) onBack?.()
        isAway = false
      },
      // nobody else can take the right either
      () => {
        isAway = true
      },
    )
  }, BEAT_MS)
  return () => clearInterval(timer)
}
