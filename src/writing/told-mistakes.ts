import { LIMITS } from '../domain/limits.ts'
import type { RejectedRecord } from '../domain/rejected-record.ts'

/**
 * The mistakes that an answer tells, of the mistakes of each refused record: so many in full, and of each record after
 * them the first one. So every refused record is named, and an answer has a size that follows from the call's.
 */
export function toldMistakes(mistakesByRecord: readonly RejectedRecord[][]): RejectedRecord[] {
  const told: RejectedRecord[] = []
  for (const mistakes of mistakesByRecord) {
    const room = Math.max(1, LIMITS.ingestMistakes.value - told.length)
    told.push(...mistakes.slice(0, room))
  }
  return told
}
