import { invalidArgument } from '../../domain/errors.ts'
import { canonicalTimeZone } from '../../domain/time-zone.ts'

/** Reads the argument `timeZone`: its one name. */
export function readTimeZone(timeZone: string): string {
  const zone = canonicalTimeZone(timeZone)
  if (zone === undefined) throw invalidArgument('timeZone', `"${timeZone}" is not an IANA time zone`)
  return zone
}
