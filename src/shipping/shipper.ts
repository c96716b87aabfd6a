import { BridgeError } from '../domain/errors.ts'
import type { LogRange, LogSelection, LogState, RefusedPlaces, ShippableLogs } from '../ports/logs.ts'
import type { BatchSummary, PublishedBatch, RecordBatch, RecordStore } from '../ports/record-store.ts'
import { inChunks } from './batch-chunks.ts'
import { evidenceOf, isSameSummary, readBackLike, summarize } from './batch-summary.ts'
import type { Group, Ledger } from './ledger.ts'
import type { PublicationGate } from './publication-gate.ts'
import { isRefusal, searchRefused } from './refused-records.ts'

/** What may be shipped now, and as part of which run. */
export interface Assignment {
  run: string
  selection: LogSelection
}

export interface ShipperOptions {
  logs: ShippableLogs
  store: RecordStore
  ledger: Ledger
  gate: PublicationGate
  /** In the order in which they are served. */
  assignments: () => Assignment[]
  /** What goes before everything else that is shipped; returns whether there was something. */
  beforeShipping?: () => Promise<boolean>
  /** Something was published or retired: what readers may see has changed. */
  onPublished: () => void
  /** All that may be shipped is. */
  onIdle: () => Promise<void>
  onProblem: (error: Error) => void
  /** The database refuses records at these places: they are counted from the logs, and the others are shipped. */
  onSetAside?: (refused: readonly RefusedPlaces[]) => void
  groupRecords?: number
}

/** Carries byte ranges of logs into the store, exactly once in effect: batches → read back → published → ledger. */
export interface Shipper {
  /** There may be something to ship. */
  kick(): void
  /** Settles when a log is published up to a byte; `false` where that takes longer than `waitMs`. */
  whenPublished(key: string, to: number, waitMs: number): Promise<boolean>
  /** Runs something while nothing is shipped, published or retired; throws at once where the store cannot be reached. */
  exclusive<T>(run: () => Promise<T>): Promise<T>
  /** Of the groups that were shipped lately; `undefined` before there was one. */
  recordsPerSecond(): number | undefined
  /** Why nothing can be shipped now; `undefined` while it works. */
  problem(): string | undefined
  close(): Promise<void>
}

/** Records that are published together: a publication costs about the same for a thousand as for ten thousand. */
const GROUP_RECORDS = 16_000
/** Of them, written in one statement: its text is some three megabytes. */
const WRITTEN_RECORDS = 8_000
const RETRY_MIN_MS = 500
const RETRY_MAX_MS = 30_000
/** Waiting for a publication makes sense only while there is nobody before. */
const MAX_WAITING = 64

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

export function startShipper(options: ShipperOptions): Shipper {
  const { logs, store, ledger, gate, groupRecords = GROUP_RECORDS } = options
  const jobs: { run: () => Promise<void>; fail: (error: Error) => void }[] = []
  const waiting = new Set<{ key: string; to: number; resolve: (published: boolean) => void }>()
  let running: Promise<void> | undefined
  let again = false
  let closed = false
  let problem: string | undefined
  let failures = 0
  let rate: number | undefined
  let retry: NodeJS.Timeout | undefined

  const publish = async (group: Group): Promise<void> => {
    await gate.publish(async () => {
      const seq = ledger.nextSeq()
      if (group.batches.length > 0) await store.publish(group.batches, seq)
      ledger.published(seq)
      await logs.update(group.states)
    })
    for (const one of waiting) {
      const state = group.states.find(({ key }) => key === one.key)
      if (state === undefined || state.publishedTo < one.to) continue
      waiting.delete(one)
      one.resolve(true)
    }
  }

  /** A group that was sent, by this process or by one that was killed: only what is read back counts. */
  const verify = async (group: Group): Promise<PublishedBatch[]> => {
    const found = await readBackLike(store, group.batches)
    return group.batches.filter(({ batch, records, digest }) => {
      const held = found.get(batch)
      return held === undefined || held.records !== records || held.digest !== digest
    })
  }

  /** What a crash left halfway: published if it is all there, else left alone for ever and sent anew. */
  const settle = async (): Promise<void> => {
    const open = ledger.unsettled()
    if (open === undefined) return
    if (!open.verified) {
      const missing = await verify(open.group)
      if (missing.length > 0) return ledger.abandon()
      ledger.verified()
    }
    await publish(open.group)
  }

  /** Returns how many of the records, from the first on, are to be shipped first: 0 where all of them were. */
  const ship = async (ranges: readonly LogRange[], run: string): Promise<number> => {
    const started = performance.now()
    const first = ledger.nextBatch()
    const batches: RecordBatch[] = ranges
      .flatMap(({ state, batches }) => batches.map((records) => ({ log: ledger.nameOf(state), records })))
      .map((batch, i) => ({ ...batch, batch: first + i, run }))
    const summaries = batches.map(({ log, records }) => summarize(log, records))
    const planned = batches.map((batch, i) => evidenceOf(batch, summaries[i] as BatchSummary))
    const group: Group = {
      batches: planned,
      states: ranges.map(({ state }) => state),
      run,
      tokens: ranges.map(({ winnerTokens }) => String(winnerTokens)),
    }
    ledger.plan(group)
    if (batches.length > 0) {
      // each statement has its price, and so has memory: some batches at once, and each is read back by itself
      let written = 0
      for (const some of inChunks(batches, WRITTEN_RECORDS)) {
        try {
          await store.write(some)
        } catch (error) {
          if (!isRefusal(error)) throw error
          return written + (await setAside(some, ranges, error))
        }
        written += some.reduce((sum, batch) => sum + batch.records.length, 0)
      }
      ledger.sent()
      const found = await store.readBack(planned.map(({ batch }) => batch))
      const wrong = planned.filter(({ batch }, i) => !isSameSummary(found.get(batch), summaries[i] as BatchSummary))
      if (wrong.length > 0) {
        ledger.abandon()
        throw new ReadBackError(wrong)
      }
    }
    ledger.verified()
    await publish(group)
    const records = planned.reduce((sum, batch) => sum + batch.records, 0)
    const seconds = (performance.now() - started) / 1000
    if (records > groupRecords / 2) rate = records / seconds
    options.onPublished()
    return 0
  }

  /**
   * What the database refuses holds up nothing else: the group is left, and comes again without it. Returns how many
   * records of `some` it takes, before the first that was not looked at.
   */
  const setAside = async (some: readonly RecordBatch[], ranges: readonly LogRange[], cause: unknown) => {
    const found = await searchRefused(some, store.write)
    // it was something else, and is over: as any other failure
    if (found.refused.size === 0) throw cause
    const refused = ranges.flatMap(({ state }): RefusedPlaces[] => {
      const positions = found.refused.get(ledger.nameOf(state))
      return positions === undefined ? [] : [{ key: state.key, positions }]
    })
    ledger.abandon()
    await logs.setAside(refused)
    options.onSetAside?.(refused)
    return found.accepted
  }

  /** Editions that count no more make room for the ones that follow them. */
  const retire = async (): Promise<boolean> => {
    const retired = await logs.retired()
    if (retired.length === 0) return false
    await gate.publish(async () => {
      const seq = ledger.nextSeq()
      const names = retired.map((state) => ledger.nameOf(state))
      await store.retire(names, seq)
      const states = retired.map((state): LogState => ({ ...state, edition: state.edition + 1, publishedTo: 0 }))
      ledger.retired(states, seq)
      await logs.update(states)
    })
    options.onPublished()
    return true
  }

  const runJobs = async (): Promise<boolean> => {
    const due = jobs.splice(0)
    for (const job of due) await job.run()
    return due.length > 0
  }

  /** Returns whether there was anything to do. */
  const step = async (): Promise<boolean> => {
    await settle()
    if (await runJobs()) return true
    if ((await options.beforeShipping?.()) === true) return true
    if (await retire()) return true
    let shipped = false
    for (const { run, selection } of options.assignments()) {
      const ranges = await logs.nextRanges(selection, groupRecords)
      if (ranges.length === 0) continue
      const first = await ship(ranges, run)
      // what comes behind them may have more of what is refused
      const taken = first > 0 ? await logs.nextRanges(selection, first) : []
      if (taken.length > 0) await ship(taken, run)
      shipped = true
    }
    return shipped
  }

  const run = async (): Promise<void> => {
    try {
      do {
        again = false
        if (await step()) again = true
        else await options.onIdle()
        failures = 0
        problem = undefined
      } while (again && !closed)
    } catch (error) {
      if (!closed) retryLater(error as Error)
    }
    // in the same turn as the last look for more: the next kick begins a run of its own
    running = undefined
  }

  const retryLater = (error: Error): void => {
    problem = error.message
    options.onProblem(error)
    for (const job of jobs.splice(0)) job.fail(error)
    const backOff = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** failures++)
    const again = (): void => {
      retry = undefined
      kick()
    }
    retry = setTimeout(again, backOff * (0.5 + Math.random() / 2))
  }

  function kick(): void {
    again = true
    // after a failure the next try has its time, however much is waiting
    if (closed || running !== undefined || retry !== undefined) return
    running = Promise.resolve().then(run)
  }

  return {
    kick,
    exclusive<T>(job: () => Promise<T>) {
      if (closed) return Promise.reject(closing())
      return new Promise<T>((resolve, reject) => {
        jobs.push({ run: () => job().then(resolve, reject), fail: reject })
        // somebody waits: not for the end of a back-off
        clearTimeout(retry)
        retry = undefined
        kick()
      })
    },
    whenPublished(key, to, waitMs) {
      if ((ledger.state(key)?.publishedTo ?? 0) >= to) return Promise.resolve(true)
      if (waitMs === 0 || problem !== undefined || closed || waiting.size >= MAX_WAITING) return Promise.resolve(false)
      const { promise, resolve } = Promise.withResolvers<boolean>()
      const one = { key, to, resolve }
      waiting.add(one)
      const timer = setTimeout(() => {
        waiting.delete(one)
        resolve(false)
      }, waitMs)
      return promise.finally(() => clearTimeout(timer))
    },
    recordsPerSecond: () => rate,
    problem: () => problem,
    async close() {
      closed = true
      clearTimeout(retry)
      await running
      for (const job of jobs.splice(0)) job.fail(closing())
      for (const { resolve } of waiting) resolve(false)
    },
  }
}

const closing = (): BridgeError => new BridgeError('SOURCE_UNAVAILABLE', 'the database is being closed')
