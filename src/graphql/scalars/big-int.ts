import { GraphQLError, GraphQLScalarType, Kind } from 'graphql'
import type { Unreadable } from '../../domain/unreadable.ts'

/** A whole number of any size: a decimal string in responses; a string or an integer in variables. */
export const BigIntScalar = new GraphQLScalarType<bigint | Unreadable, string>({
  name: 'BigInt',
  description:
    'A whole number of any size: a decimal string in responses; a decimal string or an integer in variables (an integer above 2^53 is refused, because it has lost digits on the way).',
  serialize(value) {
    if (typeof value === 'bigint') return value.toString()
    throw new GraphQLError('BigInt cannot represent a value that is no bigint')
  },
  parseValue: (value) => parse(value),
  parseLiteral(node) {
    return parse(node.kind === Kind.INT || node.kind === Kind.STRING ? node.value : undefined)
  },
})

/** Digits of the longest number that is read: far above every limit, far below what takes long. */
const MAX_DIGITS = 60

function parse(value: unknown): bigint | Unreadable {
  if (typeof value === 'string' && /^-?\d+$/.test(value) && value.length <= MAX_DIGITS) return BigInt(value)
  if (typeof value === 'number' && Number.isInteger(value)) {
    if (Number.isSafeInteger(value)) return BigInt(value)
    return { unreadable: 'is an integer above 2^53, which loses digits: send it as a string' }
  }
  return { unreadable: 'must be a whole number or a decimal string' }
}
