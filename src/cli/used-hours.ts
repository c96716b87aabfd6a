import { HOUR_MS, type UsedHour } from '../domain/blocks.ts'
import type { Grouping } from '../domain/dimensions.ts'
import { groupsOf, type TokenAnswer, type TokenFilter } from '../domain/token-query.ts'
import type { Analysis } from '../enhanced-analysis/analysis.ts'

/** What an answer must be grouped by for blocks. */
export const HOURS: Grouping = [{ granularity: 'HOUR', timeZone: 'UTC' }]

/** The hours of UTC in which something was used that the filter selects, out of its answer. */
export function usedHours(analysis: Pick<Analysis, 'activity'>, filter: TokenFilter, answer: TokenAnswer): UsedHour[] {
  const activity = analysis.activity(filter, HOUR_MS)
  return groupsOf(answer, HOURS).flatMap(({ start, usage }) => {
    const when = activity.get(start)
    return when === undefined ? [] : [{ start, usage, ...when }]
  })
}
