import type { JournalListener, SegmentExtent } from '../ports/journal.ts'
import { recordsIn } from './entries.ts'

/** What a segment holds: records that can be read, and ranges of bytes that cannot. */
export type SegmentContent = Pick<SegmentExtent, 'records' | 'unreadable'>

export const NO_CONTENT: SegmentContent = { records: 0, unreadable: [] }

/** What segments hold, as far as it was heard of. */
export interface Contents {
  of(segment: string): SegmentContent
  /** Notes what is heard on its way to `listener`. */
  noting(listener: JournalListener): JournalListener
}

export function createContents(): Contents {
  const contents = new Map<string, SegmentContent>()
  const changed = (segment: string): SegmentContent => {
    const content = contents.get(segment) ?? { records: 0, unreadable: [] }
    contents.set(segment, content)
    return content
  }
  return {
    of: (segment) => contents.get(segment) ?? NO_CONTENT,
    noting: (listener) => ({
      entry(entry, place) {
        changed(place.segment).records += recordsIn(entry)
        listener.entry(entry, place)
      },
      unreadable(place, reason) {
        const { unreadable } = changed(place.segment)
        const last = unreadable.at(-1)
        // damage that begins where other damage ends is one range with it
        if (last !== undefined && last[1] === place.from) last[1] = place.to
        else unreadable.push([place.from, place.to])
        listener.unreadable(place, reason)
      },
    }),
  }
}
