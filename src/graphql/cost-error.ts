import { BridgeError } from '../domain/errors.ts'
import { LIMITS } from '../domain/limits.ts'

/** The limits that are looked at before an operation is executed. */
export type AskingLimit =
  | 'cost'
  | 'served'
  | 'depth'
  | 'fields'
  | 'aliases'
  | 'equalFields'
  | 'documentLines'
  | 'filters'
  | 'filterBytes'
  | 'series'
  | 'variables'
  | 'filledBuckets'

const WHAT: Record<AskingLimit, string> = {
  cost: 'values in its answer',
  served: 'values in the lists of its answer',
  depth: 'levels of fields',
  fields: 'fields after its fragments are spread',
  aliases: 'aliases',
  equalFields: 'fields of one name in one place',
  documentLines: 'lines of its document',
  filters: 'different filters',
  filterBytes: 'bytes of names in filters',
  series: 'different series',
  variables: 'variables',
  filledBuckets: 'buckets in one filled series',
}

/** Advice for an operation with series: without `from` their length is estimated by what is usual. */
const SHORTER_SERIES = ': series are shorter with `from` in their filter, or a coarser granularity'

export function tooExpensive(limit: AskingLimit, found: number, hasSeries = false): BridgeError {
  const shown = Number.isSafeInteger(found) ? String(found) : 'far more'
  return new BridgeError(
    'QUERY_TOO_EXPENSIVE',
    `one operation may ask for ${LIMITS[limit].value} ${WHAT[limit]}, not ${shown}${hasSeries ? SHORTER_SERIES : ''}`,
  )
}

/** Throws where more was found than is allowed. */
export function check(limit: AskingLimit, found: number, hasSeries = false): void {
  if (found > LIMITS[limit].value) throw tooExpensive(limit, found, hasSeries)
}
