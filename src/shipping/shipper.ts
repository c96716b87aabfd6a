import { EventEmitter } from 'node:events'
import { BridgeError } from '../domain/errors.ts'
import type { LogRange, LogSelection, RefusedPlaces } from '../ports/logs.ts'
import { createAwaitedPublications } from './awaited-publications.ts'
import { retire, type ShippingParts, settle, ship } from './groups.ts'
import type { Group } from './ledger-entries.ts'
import { createWorkLoop } from './work-loop.ts'

/** What may be shipped now, and as part of which run. */
export interface Assignment {
  run: string
  selection: LogSelection
}

/** What the shipper asks a run's control, which is made after it and given to `begin`. */
export interface ShippingOrders {
  /** In the order in which they are served. */
  assignments(): Assignment[]
  /** Goes before everything else that is shipped; returns whether there was something. */
  beforeShipping(): Promise<boolean>
  /** All that may be shipped is. */
  onIdle(): Promise<void>
}

/** What the shipper tells to whoever listens. */
export interface ShipperEvents {
  /** A group was published, or logs were retired. Other changes of what readers see move the ledger's `seq` alone. */
  published: []
  /** Nothing is shipped for a while. */
  problem: [Error]
  /** The database refuses records at these places: they are counted from the logs, and the others are shipped. */
  setAside: [readonly RefusedPlaces[]]
}

export interface ShipperOptions extends ShippingParts {
  groupRecords?: number
}

/** Carries byte ranges of logs into the store, exactly once in effect: batches → read back → published → ledger. */
export interface Shipper {
  readonly events: Pick<EventEmitter<ShipperEvents>, 'on'>
  /** Ships as it is told from now on; before it, nothing is done. */
  begin(orders: ShippingOrders): void
  /** There may be something to ship. */
  kick(): void
  /** The store can be reached again: what failed is tried now. */
  tryNow(): void
  /**
   * Settles when the bytes of a log between two are published; `false` where that takes longer than `waitMs`, and where
   * the database refuses a record of them.
   */
  whenPublished(key: string, bytes: { from: number; to: number }, waitMs: number): Promise<boolean>
  /**
   * Runs something while nothing is shipped, published or retired; throws at once where the store cannot be reached.
   */
  exclusive<T>(run: () => Promise<T>): Promise<T>
  /** Of the groups that were shipped lately; `undefined` before there was one. */
  recordsPerSecond(): number | undefined
  /** Why nothing can be shipped now; `undefined` while it works. */
  problem(): string | undefined
  close(): Promise<void>
}

/** Records that are published together: a publication costs about the same for a thousand as for ten thousand. */
export const GROUP_RECORDS = 16_000

export function createShipper({ groupRecords = GROUP_RECORDS, ...parts }: ShipperOptions): Shipper {
  const events = new EventEmitter<ShipperEvents>()
  const awaited = createAwaitedPublications()
  const carrier = createCarrier(parts, events, (group) => awaited.published(group.states))
  let orders: ShippingOrders | undefined

  const step = async (): Promise<boolean> => {
    if (orders === undefined) return false
    if (await orders.beforeShipping()) return true
    if (await carrier.retire()) return true
    let shipped = false
    for (const assignment of orders.assignments()) if (await carrier.carry(assignment, groupRecords)) shipped = true
    return shipped
  }
  const loop = createWorkLoop({
    settle: carrier.settle,
    step,
    idle: async () => orders?.onIdle(),
    failed: (error) => void events.emit('problem', error),
    closing: () => new BridgeError('SOURCE_UNAVAILABLE', 'the database is being closed'),
  })
  const kick = (): void => {
    if (orders !== undefined) loop.kick()
  }

  return {
    events,
    begin(given) {
      orders = given
      kick()
    },
    kick,
    tryNow: loop.tryNow,
    exclusive: loop.exclusive,
    async whenPublished(key, { from, to }, waitMs) {
      const isPast = (parts.ledger.state(key)?.publishedTo ?? 0) >= to
      if (!isPast && (loop.problem() !== undefined || !(await awaited.wait(key, to, waitMs)))) return false
      return !parts.ledger.state(key)?.setAside?.some((position) => position >= from && position < to)
    },
    recordsPerSecond: carrier.recordsPerSecond,
    problem: loop.problem,
    async close() {
      await loop.close()
      awaited.close()
    },
  }
}

/** Ships group by group, and tells what became of each. `onGroup` hears of it before everybody else. */
function createCarrier(parts: ShippingParts, events: EventEmitter<ShipperEvents>, onGroup: (published: Group) => void) {
  let rate: number | undefined
  const published = (group: Group): void => {
    onGroup(group)
    events.emit('published')
  }
  /** Returns how many of the records, from the first on, are to be shipped before the others: 0 where all were. */
  const shipRanges = async (ranges: readonly LogRange[], run: string, maxRecords: number): Promise<number> => {
    const started = performance.now()
    const shipped = await ship(parts, ranges, run)
    if (shipped.kind === 'refused') {
      events.emit('setAside', shipped.places)
      return shipped.accepted
    }
    if (shipped.records > maxRecords / 2) rate = (1000 * shipped.records) / (performance.now() - started)
    published(shipped.group)
    return 0
  }
  return {
    async settle(): Promise<void> {
      const group = await settle(parts)
      if (group !== undefined) published(group)
    },
    async retire(): Promise<boolean> {
      const hasRetired = await retire(parts)
      if (hasRetired) events.emit('published')
      return hasRetired
    },
    /** The next group of an assignment; returns whether there was one. */
    async carry({ run, selection }: Assignment, maxRecords: number): Promise<boolean> {
      const ranges = await parts.logs.nextRanges(selection, maxRecords)
      if (ranges.length === 0) return false
      const first = await shipRanges(ranges, run, maxRecords)
      // only these, which the database takes: behind them there may be more records that it refuses
      const taken = first > 0 ? await parts.logs.nextRanges(selection, first) : []
      if (taken.length > 0) await shipRanges(taken, run, maxRecords)
      return true
    },
    recordsPerSecond: () => rate,
  }
}
