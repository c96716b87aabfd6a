import {
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLInputType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
} from 'graphql'

/** One place where a caller may say something: a leaf of an argument, somewhere below a query or a mutation. */
export interface Place {
  /** `tokenMetrics.sessions(after)`. */
  name: string
  isMutation: boolean
  /** It stands in a list: as many can be said at once. */
  isInList: boolean
  /** The operation, and its variables with this put into the place; several where it is in a list. */
  document: string
  variables(...put: unknown[]): Record<string, unknown>
}

/** What a member must be, by its name, where its type does not say it. */
const VALID: Readonly<Record<string, unknown>> = { roles: ['viewer'], sessionId: 's1', timeZone: 'UTC' }
const BY_TYPE: Readonly<Record<string, unknown>> = {
  String: 'x',
  ID: 'x',
  Int: 1,
  Float: 1,
  Boolean: false,
  BigInt: '1',
  DateTime: '2026-04-02T09:00:00Z',
}

/** Every place of a schema, found by walking it: a new argument is among them without anybody thinking of it. */
export function placesOf(schema: GraphQLSchema): Place[] {
  return [
    ...placesBelow(schema.getQueryType() as GraphQLObjectType, [], false),
    ...placesBelow(schema.getMutationType() as GraphQLObjectType, [], true),
  ]
}

type Field = GraphQLField<unknown, unknown>

function placesBelow(type: GraphQLObjectType, above: readonly Field[], isMutation: boolean): Place[] {
  return Object.values(type.getFields()).flatMap((field) => {
    const named = getNamedType(field.type)
    // types that stand below themselves would have no end
    const below =
      isObjectType(named) && above.length < 4 && !above.some((one) => getNamedType(one.type) === named)
        ? placesBelow(named, [...above, field], isMutation)
        : []
    return [...placesIn(field, above, isMutation), ...below]
  })
}

function placesIn(field: Field, above: readonly Field[], isMutation: boolean): Place[] {
  return field.args.flatMap((arg) =>
    leavesOf(arg.type).map((path): Place => {
      const given = field.args.filter((one) => one === arg || isRequiredArgument(one))
      const way = [...above, field].map(({ name }) => name)
      const call = `${field.name}(${given.map(({ name }) => `${name}: $${name}`).join(', ')}) ${shallow(field.type)}`
      const selection = above.reduceRight((inner, one) => `${one.name}${required(one)} { ${inner} }`, call)
      const declared = given.map(({ name, type }) => `$${name}: ${type}`).join(', ')
      return {
        name: `${way.join('.')}(${[arg.name, ...path].join('.')})`,
        isMutation,
        document: `${isMutation ? 'mutation' : 'query'} (${declared}) { ${selection} }`,
        isInList: isInList(arg.type, path),
        variables: (...put) =>
          Object.fromEntries(
            given.map(({ name, type }) => [name, inputOf(name, type, name === arg.name ? path : undefined, put)]),
          ),
      }
    }),
  )
}

/** Fields on the way down with arguments that must be given get valid ones. */
const required = ({ args }: Field): string => {
  const given = args
    .filter(isRequiredArgument)
    .map(({ name, type }) => `${name}: ${literal(inputOf(name, type, undefined, []))}`)
  return given.length === 0 ? '' : `(${given.join(', ')})`
}
const literal = (value: unknown): string => JSON.stringify(value)

/** Paths of the leaves of an input, through members; elements of lists have no name. */
function leavesOf(type: GraphQLInputType, seen: readonly unknown[] = []): string[][] {
  const named = getNamedType(type)
  if (!isInputObjectType(named)) return [[]]
  if (seen.includes(named)) return []
  return Object.values(named.getFields()).flatMap((member) =>
    leavesOf(member.type, [...seen, named]).map((path) => [member.name, ...path]),
  )
}

function isInList(type: GraphQLInputType, [first, ...rest]: readonly string[]): boolean {
  const inner = isNonNullType(type) ? type.ofType : type
  if (isListType(inner)) return true
  return isInputObjectType(inner) && isInList((inner.getFields()[first as string] as GraphQLInputField).type, rest)
}

/** A valid value; with a `path`, one that has `put` there. */
function inputOf(
  name: string,
  type: GraphQLInputType,
  path: readonly string[] | undefined,
  put: readonly unknown[],
): unknown {
  if (isNonNullType(type)) return inputOf(name, type.ofType, path, put)
  if (path === undefined && Object.hasOwn(VALID, name)) return VALID[name]
  if (isListType(type)) {
    const each = path === undefined ? [put] : put.map((one) => [one])
    return each.map((one) => inputOf(name, type.ofType, path, one))
  }
  if (isInputObjectType(type)) {
    const members = Object.values(type.getFields()).filter((one) => isRequiredInputField(one) || one.name === path?.[0])
    return Object.fromEntries(
      members.map((one) => [
        one.name,
        inputOf(one.name, one.type, one.name === path?.[0] ? path.slice(1) : undefined, put),
      ]),
    )
  }
  if (path !== undefined) return put[0]
  return isEnumType(type) ? type.getValues()[0]?.name : BY_TYPE[type.name]
}

/** All fields of a type that need no argument, and those of the objects in it. */
function shallow(type: GraphQLOutputType, depth = 0): string {
  const named = getNamedType(type)
  if (!isObjectType(named)) return ''
  const fields = Object.values(named.getFields()).flatMap((field) => {
    if (field.args.some(isRequiredArgument)) return []
    if (!isObjectType(getNamedType(field.type))) return [field.name]
    return depth < 2 ? [`${field.name} ${shallow(field.type, depth + 1)}`] : []
  })
  return `{ ${['__typename', ...fields].join(' ')} }`
}
