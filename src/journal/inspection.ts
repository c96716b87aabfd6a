import { decoding, recordsIn } from './entries.ts'
import { readHeads } from './heads.ts'
import type { JournalKey } from './key.ts'
import { createSegmentReader, firstKeyIds } from './segments.ts'

/** Bytes of a segment that cannot be read, or are gone. */
export interface DamagedPlace {
  from: number
  to: number
  reason: string
}

/** What a segment holds. */
export interface SegmentReport {
  segment: string
  bytes: number
  entries: number
  records: number
  /** Id of the key that it is encrypted with, hexadecimal; `undefined` where that cannot be read. */
  keyId: string | undefined
  damaged: DamagedPlace[]
  /** At its end: an entry that is being written, or was cut off by a crash before it was acknowledged. */
  unfinishedBytes: number
}

/**
 * Reads everything in the folder of a journal and changes nothing, beside a server, too. `headsPath`: the file that says
 * how far each segment was acknowledged; what is shorter than that is damaged.
 */
export async function inspectJournal(folder: string, key: JournalKey, headsPath: string): Promise<SegmentReport[]> {
  // before the segments, which may go on growing
  const { heads } = readHeads(headsPath)
  const reports = new Map<string, SegmentReport>()
  const keys = firstKeyIds(folder)
  const reportOf = (segment: string): SegmentReport => {
    const none = { segment, bytes: 0, entries: 0, records: 0, damaged: [], unfinishedBytes: 0 }
    const report = reports.get(segment) ?? { ...none, keyId: keys.get(segment) }
    reports.set(segment, report)
    return report
  }
  const listener = decoding({
    entry(entry, { segment }) {
      const report = reportOf(segment)
      report.entries++
      report.records += recordsIn(entry)
    },
    unreadable: ({ segment, from, to }, reason) => addDamage(reportOf(segment), { from, to, reason }),
  })
  const reader = createSegmentReader(folder, key, listener, { onlyLooks: true })
  await reader.read(new Set())
  const extents = reader.extents()
  for (const segment of new Set([...extents.keys(), ...heads.keys()])) {
    const report = reportOf(segment)
    const { readTo, size } = extents.get(segment) ?? { readTo: 0, size: 0 }
    const to = heads.get(segment)?.to ?? 0
    Object.assign(report, { bytes: size, unfinishedBytes: Math.max(0, size - readTo) })
    if (readTo < to) addDamage(report, { from: readTo, to, reason: 'acknowledged, and not there any more' })
  }
  return [...reports.values()].sort((a, b) => (a.segment < b.segment ? -1 : 1))
}

/** Damage that begins where other damage ends is one place with it. */
function addDamage({ damaged }: SegmentReport, place: DamagedPlace): void {
  const last = damaged.at(-1)
  if (last?.to === place.from && last.reason === place.reason) last.to = place.to
  else damaged.push(place)
}
