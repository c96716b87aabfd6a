import type { JournalSign } from '../ports/journal-table.ts'

/**
 * Who told nothing for so long may have acknowledged something that it cannot tell. Whoever cannot tell acknowledges
 * nothing before: so nobody takes its last sign for its word.
 */
export const SILENT_MS = 2000
/** For so long whoever ended counts as there: what it published last may not be known everywhere. */
const LATELY_MS = 5000

/** What the signs of journals come to that an instance does not share. */
export interface Others {
  /** There are such journals, be it that nobody has one open. */
  known: boolean
  /** Some instance may acknowledge something in one of them, or did so lately. */
  present: boolean
  /** Instances whose journals have what was acknowledged and is not published, or may have it. */
  pending: JournalSign[]
}

/** `now` is the clock of the database when these were what everybody else had told last. */
export function othersAmong(signs: readonly JournalSign[], now: number): Others {
  const journals = Map.groupBy(signs, ({ journal }) => journal)
  return {
    known: signs.length > 0,
    present: signs.some(({ beat, pending, ended }) => !ended || pending || now - beat < LATELY_MS),
    pending: [...journals.values()].flatMap((ofOne) => pendingAmong(ofOne, now)),
  }
}

/**
 * Of the instances that share one journal. Those that live read it all, and speak for those that are gone: once they told
 * something so long after these that they have read what these wrote last.
 */
function pendingAmong(signs: readonly JournalSign[], now: number): JournalSign[] {
  const isSilent = ({ beat }: JournalSign): boolean => now - beat >= SILENT_MS
  const latest = Math.max(...signs.filter((sign) => !sign.ended && !isSilent(sign)).map(({ beat }) => beat))
  return signs
    .filter((sign) => sign.pending || (!sign.ended && isSilent(sign)))
    .filter(({ beat }) => latest - beat < SILENT_MS)
}
