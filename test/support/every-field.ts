import { type GraphQLField, type GraphQLOutputType, getNamedType, isObjectType, isRequiredArgument } from 'graphql'

/** What is given to arguments that must be given, and to those that may hide something, by their names. */
const ARGUMENTS: Readonly<Record<string, string>> = {
  id: '"s-bob"',
  granularity: 'DAY',
  by: '[USER, PROJECT, SESSION]',
  dimension: 'USER',
  userId: '"bob"',
}

/** A selection of a field with everything below it. A required argument that nobody has thought of throws. */
export function everythingOf(field: GraphQLField<unknown, unknown>): string {
  const given = field.args.flatMap(({ name, ...rest }) => {
    const value = ARGUMENTS[name]
    if (value === undefined && isRequiredArgument({ name, ...rest }))
      throw new Error(`no value is known for the argument ${name} of ${field.name}`)
    return value === undefined || !isRequiredArgument({ name, ...rest }) ? [] : [`${name}: ${value}`]
  })
  return `${field.name}${given.length === 0 ? '' : `(${given.join(', ')})`} ${below(field.type)}`
}

function below(type: GraphQLOutputType): string {
  const named = getNamedType(type)
  return isObjectType(named) ? `{ ${Object.values(named.getFields()).map(everythingOf).join(' ')} }` : ''
}
