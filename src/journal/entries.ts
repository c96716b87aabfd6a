import type { JournalEntry, JournalListener } from '../ports/journal.ts'
import type { SegmentListener } from './segments.ts'

// What is in a frame: an entry, with the version that it is to be read by.

/** Raise it when a release before would misread an entry; older ones stay readable. */
const ENTRY_VERSION = 1
/** An entry of another kind was written by a later release, and stays in the segment. */
const KINDS: ReadonlySet<string> = new Set(
  Object.keys({
    ingest: true,
    preference: true,
    guard: true,
    experiment: true,
    mismatch: true,
    alert: true,
    'machine-token': true,
    revocation: true,
  } satisfies Record<JournalEntry['kind'], true>),
)

export const encodeEntry = (entry: JournalEntry): Buffer =>
  Buffer.from(JSON.stringify({ version: ENTRY_VERSION, entry }))

/** Reads frames as entries. The tag of a frame has shown that it is ours; a later version may have written it. */
export function decoding(listener: JournalListener): SegmentListener {
  return {
    frame(plain, segment, from, to) {
      const place = { segment, from, to }
      const written = read(plain)
      if (written === undefined) return listener.unreadable(place, 'an entry of no known form')
      const { version, entry } = written
      if (version > ENTRY_VERSION) listener.unreadable(place, 'an entry of a later version')
      else if (KINDS.has(entry.kind)) listener.entry(entry, place)
      // what brings no records is missing in no answer
      else if ('records' in entry) listener.unreadable(place, 'records of a kind that this release does not know')
    },
    damage: ({ segment, from, to, reason }) => listener.unreadable({ segment, from, to }, reason),
  }
}

/** `undefined` for what no release has written: it must not hold up the entries after it. */
function read(plain: Buffer): { version: number; entry: JournalEntry } | undefined {
  try {
    const { version, entry } = JSON.parse(plain.toString('utf8'))
    const isKnown = Number.isInteger(version) && version >= 0 && typeof entry.kind === 'string'
    return isKnown && Number.isFinite(entry.at) ? { version, entry } : undefined
  } catch {
    return undefined
  }
}

export const recordsIn = (entry: JournalEntry): number => (entry.kind === 'ingest' ? entry.records.length : 0)
