/**
 * A value of a scalar that could not be read. Scalars hand it on instead of throwing, so that the one who knows
 * the field can tell the mistake with its name, and a mistake in one record does not fail the others.
 */
export interface Unreadable {
  /** What is wrong with it: `must be RFC 3339, such as …`. */
  unreadable: string
}

export function isUnreadable(value: unknown): value is Unreadable {
  return typeof value === 'object' && value !== null && 'unreadable' in value
}
