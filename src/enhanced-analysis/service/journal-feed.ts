import { LIMITS } from '../../domain/limits.ts'
import type { JournaledRange } from '../table/journal-update.ts'
import { createBacklog } from './backlog.ts'
import type { AnalysisService } from './calls.ts'

/** Hands the journal on to the service: all of it to one that begins, and from then on what is appended. */
export interface JournalFeed {
  /** Reads the whole journal for a service that begins. Returns false where it is not the current one any more. */
  begin(service: AnalysisService): Promise<boolean>
  /** An entry was appended. */
  add(range: JournaledRange): void
  /** The service is gone, with everything that was on its way. */
  stop(): void
  /** So many ranges are counted, of those that were added to the service. */
  counted(ranges: number): void
  /** Ranges that were added to the service since it began. */
  added(): number
  /** Whether what waits to be counted leaves room for more. */
  hasRoom(): boolean
}

/** Hands over all entries of the journal, and settles when that is done. */
export type ReadJournal = (add: (range: JournaledRange) => void) => Promise<void>

/** Records of the journal that go to the service in one message: copying it to a thread holds up the event loop. */
const MESSAGE_RECORDS = 2000
/** What a range costs beside its records, in records. */
const RANGE_COST = 10

export function createJournalFeed(readJournal: ReadJournal): JournalFeed {
  const backlog = createBacklog()
  let service: AnalysisService | undefined
  let added = 0
  /** What came while the journal was being read for a service: it goes after that, in the order of each segment. */
  let held: JournaledRange[] | undefined

  const send = (to: AnalysisService, ranges: readonly JournaledRange[]): void => {
    added += ranges.length
    backlog.send(ranges)
    to.addJournaled(ranges)
  }

  return {
    async begin(starting) {
      service = starting
      added = 0
      held = []
      backlog.clear()
      let ranges: JournaledRange[] = []
      let records = 0
      await readJournal((range) => {
        if (service !== starting) return
        ranges.push(range)
        records += range.records.length + RANGE_COST
        if (records < MESSAGE_RECORDS) return
        send(starting, ranges)
        ranges = []
        records = 0
      })
      if (service !== starting) return false
      send(starting, [...ranges, ...held])
      held = undefined
      backlog.release()
      return true
    },
    add(range) {
      if (held !== undefined) {
        held.push(range)
        backlog.hold(range)
      } else if (service !== undefined) send(service, [range])
    },
    stop() {
      service = undefined
    },
    counted: backlog.counted,
    added: () => added,
    hasRoom: () => backlog.bytes() < LIMITS.countWaitingBytes.value,
  }
}
