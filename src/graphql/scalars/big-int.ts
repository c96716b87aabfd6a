import { GraphQLError, GraphQLScalarType, Kind } from 'graphql'

/** A whole number of any size: a decimal string in responses; a string or an integer in variables. */
export const BigIntScalar = new GraphQLScalarType<bigint, string>({
  name: 'BigInt',
  description:
    'A whole number of any size: a decimal string in responses; a decimal string or an integer in variables (an integer above 2^53 is refused, because it has lost digits on the way).',
  serialize(value) {
    if (typeof value === 'bigint') return value.toString()
    throw new GraphQLError('BigInt cannot represent a value that is no bigint')
  },
  parseValue: (value) => parse(value),
  parseLiteral(node) {
    if (node.kind === Kind.INT || node.kind === Kind.STRING) return parse(node.value)
    throw new GraphQLError('BigInt must be a whole number or a decimal string', { nodes: node })
  },
})

/** Digits of the longest number that is read: far above every limit, far below what takes long. */
const MAX_DIGITS = 60

function parse(value: unknown): bigint {
  if (typeof value === 'string' && /^-?\d+$/.test(value) && value.length <= MAX_DIGITS) return BigInt(value)
  if (typeof value === 'number' && Number.isInteger(value)) {
    if (Number.isSafeInteger(value)) return BigInt(value)
    throw new GraphQLError('BigInt: an integer above 2^53 loses digits, send it as a string')
  }
  throw new GraphQLError('BigInt must be a whole number or a decimal string')
}
