import { GraphQLError, GraphQLScalarType, Kind } from 'graphql'
import { parseTimestamp } from '../../domain/timestamp.ts'
import type { Unreadable } from '../../domain/unreadable.ts'

/** A moment: RFC 3339 on the wire, milliseconds since 1970 in the code. */
export const DateTimeScalar = new GraphQLScalarType<number | Unreadable, string>({
  name: 'DateTime',
  description: 'A moment as RFC 3339, such as 2026-04-02T09:15:03.120Z, of the years 1970 to 2261, to the millisecond.',
  serialize(value) {
    if (typeof value === 'number') return new Date(value).toISOString()
    throw new GraphQLError('DateTime cannot represent a value that is no time')
  },
  parseValue: (value) => parse(value),
  parseLiteral(node) {
    return parse(node.kind === Kind.STRING ? node.value : undefined)
  },
})

function parse(value: unknown): number | Unreadable {
  return parseTimestamp(value) ?? { unreadable: 'must be RFC 3339, such as 2026-04-02T09:15:03Z' }
}
