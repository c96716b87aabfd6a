import { isJournalKey, segmentOf } from '../domain/log-name.ts'
import { journaledWithin } from '../ports/journaled-within.ts'
import type { LogRange, LogState, RefusedPlaces, ShippableLogs } from '../ports/logs.ts'
import type { BatchSummary, PublishedBatch, RecordBatch, RecordStore } from '../ports/record-store.ts'
import { type Beginning, inTrace, NO_TRACER, type Tracer } from '../ports/spans.ts'
import { mapGivingWay } from '../turns/pace.ts'
import { inChunks } from './batch-chunks.ts'
import { evidenceOf, isSameSummary, readBackLike, summarize } from './batch-summary.ts'
import type { Ledger } from './ledger.ts'
import type { Group } from './ledger-entries.ts'
import { createPublish, publishAnnounced } from './publication.ts'
import type { PublicationGate } from './publication-gate.ts'
import { isRefusal, searchRefused } from './refused-records.ts'
import type { Changing } from './shared-entries.ts'

/** What shipping works on. */
export interface ShippingParts {
  logs: ShippableLogs
  store: RecordStore
  ledger: Ledger
  gate: PublicationGate
  /** Records each group that is shipped; absent: nobody does. */
  tracer?: Tracer
}

/** What became of a group of ranges. */
export type Shipped =
  | { kind: 'published'; group: Group; records: number }
  /** It holds what the database refuses. `accepted`: records, from the first on, that are to be shipped first. */
  | { kind: 'refused'; places: RefusedPlaces[]; accepted: number }

/** Records that are written in one statement: its text is some three megabytes. */
const WRITTEN_RECORDS = 8_000

/** What was read back is not what was sent. */
export class ReadBackError extends Error {
  readonly code = 'READ_BACK_DIFFERS'
  constructor(batches: readonly PublishedBatch[]) {
    super(
      `what was read back of ${batches.length} batches differs from what was sent, first of ${batches[0]?.log}: they are sent anew`,
    )
    this.name = 'ReadBackError'
  }
}

/** Plans, writes, reads back and publishes the batches of some ranges, together. Throws `ReadBackError`. */
export const ship = (parts: ShippingParts, ranges: readonly LogRange[], run: string): Promise<Shipped> =>
  inTrace(parts.tracer ?? NO_TRACER, 'ship', beginningOf(ranges), async (tell) => {
    const shipped = await shipGroup(parts, ranges, run)
    if (shipped.kind === 'refused') tell({ outcome: 'refused' })
    else tell({ outcome: 'published', records: shipped.records, batches: shipped.group.batches.length })
    return shipped
  })

const beginningOf = (ranges: readonly LogRange[]): Beginning => ({
  facts: { logs: ranges.length },
  follows: ranges.flatMap(({ state: { key, publishedTo }, from }) =>
    isJournalKey(key) ? journaledWithin(segmentOf(key), from, publishedTo) : [],
  ),
})

async function shipGroup(parts: ShippingParts, ranges: readonly LogRange[], run: string): Promise<Shipped> {
  const { ledger, store } = parts
  const batches = batchesOf(ledger, ranges, run)
  const summaries = await mapGivingWay(batches, ({ log, records }) => summarize(log, records))
  const planned = batches.map((batch, i) => evidenceOf(batch, summaries[i] as BatchSummary))
  const group: Group = {
    batches: planned,
    states: ranges.map(({ state }) => state),
    run,
    tokens: ranges.map(({ winnerTokens }) => String(winnerTokens)),
  }
  ledger.plan(group)
  if (batches.length > 0) {
    const refusal = await write(store, batches)
    if (refusal !== undefined) return setAside(parts, ranges, refusal)
    ledger.sent()
    const found = await store.readBack(planned.map(({ batch }) => batch))
    const wrong = planned.filter(({ batch }, i) => !isSameSummary(found.get(batch), summaries[i] as BatchSummary))
    if (wrong.length > 0) {
      ledger.abandon()
      throw new ReadBackError(wrong)
    }
  }
  ledger.verified()
  await createPublish(parts)(publishing(group))
  return { kind: 'published', group, records: planned.reduce((sum, batch) => sum + batch.records, 0) }
}

function batchesOf(ledger: Ledger, ranges: readonly LogRange[], run: string): RecordBatch[] {
  const first = ledger.nextBatch()
  return ranges
    .flatMap(({ state, batches }) => batches.map((records) => ({ log: ledger.nameOf(state), records })))
    .map((batch, i) => ({ ...batch, batch: first + i, run }))
}

interface Refusal {
  /** What one statement was to write, and what the database said. */
  batches: readonly RecordBatch[]
  cause: unknown
  /** Records that statements before it have written. */
  written: number
}

/**
 * Writes several batches with one statement, since each statement costs some 30 ms; not all, since they are in memory
 * together.
 */
async function write(store: RecordStore, batches: readonly RecordBatch[]): Promise<Refusal | undefined> {
  let written = 0
  for (const some of inChunks(batches, WRITTEN_RECORDS)) {
    try {
      await store.write(some)
    } catch (cause) {
      if (!isRefusal(cause)) throw cause
      return { batches: some, cause, written }
    }
    written += some.reduce((sum, batch) => sum + batch.records.length, 0)
  }
  return undefined
}

/**
 * Finds the records that the database refuses and sets them aside. The group is abandoned; its ranges come again
 * without them.
 */
async function setAside(parts: ShippingParts, ranges: readonly LogRange[], refusal: Refusal): Promise<Shipped> {
  const { ledger, logs, store } = parts
  const found = await searchRefused(refusal.batches, store.write)
  // each record is taken by itself: the failure was something else, and is tried again like any other
  if (found.refused.size === 0) throw refusal.cause
  const places = ranges.flatMap(({ state }): RefusedPlaces[] => {
    const positions = found.refused.get(ledger.nameOf(state))
    return positions === undefined ? [] : [{ key: state.key, positions }]
  })
  ledger.abandon()
  await logs.setAside(places)
  return { kind: 'refused', places, accepted: refusal.written + found.accepted }
}

/** A group that was verified. */
const publishing = (group: Group): Changing => ({
  change: { kind: 'publish', batches: group.batches },
  note: { kind: 'published', group },
})

/**
 * Settles what a crash or a failure left halfway. What was announced is carried out; a group that was not is published
 * if the database has all of it, else it is abandoned, and its ranges are sent under new numbers. Returns the group that
 * was published.
 */
export async function settle(parts: ShippingParts): Promise<Group | undefined> {
  const { ledger } = parts
  const announced = await publishAnnounced(parts)
  if (announced !== undefined) return announced.note.kind === 'published' ? announced.note.group : undefined
  const open = ledger.unsettled()
  if (open === undefined) return undefined
  if (!open.verified) {
    const missing = await missingOf(parts.store, open.group)
    if (missing.length > 0) {
      ledger.abandon()
      return undefined
    }
    ledger.verified()
  }
  await createPublish(parts)(publishing(open.group))
  return open.group
}

/** The batches of a group that the database does not have as they were planned. */
async function missingOf(store: RecordStore, group: Group): Promise<PublishedBatch[]> {
  const found = await readBackLike(store, group.batches)
  return group.batches.filter(({ batch, records, digest }) => {
    const held = found.get(batch)
    return held === undefined || held.records !== records || held.digest !== digest
  })
}

/**
 * Takes editions that count no more out of what readers see, and begins the next edition of each. Returns whether
 * there were any.
 */
export async function retire(parts: ShippingParts): Promise<boolean> {
  const { ledger, logs } = parts
  const retired = await logs.retired()
  if (retired.length === 0) return false
  const states = retired.map((state): LogState => ({ ...state, edition: state.edition + 1, publishedTo: 0 }))
  await createPublish(parts)({
    change: { kind: 'retire', logs: retired.map((state) => ledger.nameOf(state)) },
    note: { kind: 'retired', states },
  })
  return true
}
