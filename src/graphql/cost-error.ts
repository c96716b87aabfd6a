import { BridgeError } from '../domain/errors.ts'
import { LIMITS } from '../domain/limits.ts'

/** The limits that are looked at before an operation is executed. */
export type AskingLimit =
  | 'cost'
  | 'served'
  | 'depth'
  | 'fields'
  | 'aliases'
  | 'filters'
  | 'filterBytes'
  | 'series'
  | 'variables'

const WHAT: Record<AskingLimit, string> = {
  cost: 'values in its answer',
  served: 'values in the lists of its answer',
  depth: 'levels of fields',
  fields: 'fields after its fragments are spread',
  aliases: 'aliases',
  filters: 'different filters',
  filterBytes: 'bytes of names in filters',
  series: 'different series',
  variables: 'variables',
}

export function tooExpensive(limit: AskingLimit, found: number): BridgeError {
  const shown = Number.isSafeInteger(found) ? String(found) : 'far more'
  return new BridgeError(
    'QUERY_TOO_EXPENSIVE',
    `one operation may ask for ${LIMITS[limit].value} ${WHAT[limit]}, not ${shown}`,
  )
}

/** Throws where more was found than is allowed. */
export function check(limit: AskingLimit, found: number): void {
  if (found > LIMITS[limit].value) throw tooExpensive(limit, found)
}
