import {
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLField,
  GraphQLIncludeDirective,
  type GraphQLObjectType,
  type GraphQLSchema,
  GraphQLSkipDirective,
  getArgumentValues,
  getDirectiveValues,
  getNamedType,
  getVariableValues,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  SchemaMetaFieldDef,
  type SelectionNode,
  type SelectionSetNode,
  TypeMetaFieldDef,
} from 'graphql'
import { type Args, isList, ruleOf } from './cost.ts'

/** An operation that was found valid, with its variables as they came. */
export interface Asked {
  schema: GraphQLSchema
  operation: OperationDefinitionNode
  fragments: ReadonlyMap<string, FragmentDefinitionNode>
  variables: Readonly<Record<string, unknown>>
}

export interface Estimate {
  cost: number
  /** Of it, the values that are in no list. */
  own: number
  /** Values of one item of a list, without those of lists in it. */
  itemCosts: Map<FieldNode, number>
  filters: number
  filterBytes: number
  series: number
}

/** Items of a list of the schema about the schema; and what a look at all of it costs beside them, as it was measured. */
const INTROSPECTED = 10
const SCHEMA_COST = 5000

const META_FIELDS: Record<string, GraphQLField<unknown, unknown>> = {
  __schema: SchemaMetaFieldDef,
  __type: TypeMetaFieldDef,
}

interface Values {
  /** All values, with every list at its declared size. */
  all: number
  /** Without those in lists. */
  own: number
}

const NOTHING: Values = { all: 0, own: 0 }
const LEAF: Values = { all: 1, own: 1 }

/**
 * What an operation costs, from its fields and arguments alone. Own code, because `graphql-query-complexity` tells a
 * field nothing of the arguments above it: the length of a series follows from the filter of its metrics.
 */
export function estimate(asked: Asked): Estimate {
  const { schema, operation, fragments } = asked
  const filters = new Map<string, number>()
  const series = new Set<string>()
  const itemCosts = new Map<FieldNode, number>()
  const coerced = coercedLater(asked)
  const argsOf = memoised<FieldNode, Parameters<typeof getArgumentValues>[0], Args>((node, field) =>
    getArgumentValues(field, node, coerced()),
  )

  const ofField = (node: FieldNode, type: GraphQLObjectType, above: () => Args): Values => {
    const field = type.getFields()[node.name.value] ?? META_FIELDS[node.name.value]
    if (field === undefined) return LEAF
    const rule = ruleOf(field)
    const args = (): Args => argsOf(node, field)
    if (rule?.filter !== undefined) {
      const key = rule.filter(args())
      // a hundred aliases share the names of one variable: they are measured once
      if (!filters.has(key)) filters.set(key, rule.filterBytes?.(args()) ?? 0)
    }
    if (rule?.series !== undefined) series.add(rule.series(args(), above()))
    const named = getNamedType(field.type)
    const below = isObjectType(named) ? ofSelections(node.selectionSet, named, args) : NOTHING
    if (field === SchemaMetaFieldDef) return { all: SCHEMA_COST + below.all, own: 1 }
    if (!isList(field.type)) return { all: 1 + below.all, own: 1 + below.own }
    itemCosts.set(node, 1 + below.own)
    // arguments are read where they matter: a batch of records need not be read for what is known without
    const size = typeof rule?.size === 'function' ? rule.size(args(), above()) : (rule?.size ?? INTROSPECTED)
    return { all: 1 + Math.max(0, size) * (1 + below.all), own: 1 }
  }

  const ofSelection = (selection: SelectionNode, type: GraphQLObjectType, above: () => Args): Values => {
    try {
      if (!isIncluded(selection, coerced)) return NOTHING
      if (selection.kind === Kind.FIELD) return ofField(selection, type, above)
    } catch (error) {
      // arguments that cannot be read: it fails when it is executed, and costs nothing more
      if (error instanceof GraphQLError) return LEAF
      throw error
    }
    return ofSelections(
      selection.kind === Kind.INLINE_FRAGMENT
        ? selection.selectionSet
        : fragments.get(selection.name.value)?.selectionSet,
      type,
      above,
    )
  }

  const ofSelections = (set: SelectionSetNode | undefined, type: GraphQLObjectType, above: () => Args): Values => {
    const sum = { ...NOTHING }
    for (const selection of set?.selections ?? []) {
      const { all, own } = ofSelection(selection, type, above)
      sum.all += all
      sum.own += own
    }
    return sum
  }

  const root = schema.getRootType(operation.operation)
  const { all, own } = root ? ofSelections(operation.selectionSet, root, () => ({})) : NOTHING
  return {
    cost: all,
    own,
    itemCosts,
    filters: filters.size,
    filterBytes: [...filters.values()].reduce((sum, bytes) => sum + bytes, 0),
    series: series.size,
  }
}

/** Variables as they are declared, read where an estimate needs them: reading a batch of records twice tells too little. */
function coercedLater({ schema, operation, variables }: Asked): () => Record<string, unknown> {
  let read: Record<string, unknown> | undefined
  return () => {
    read ??= getVariableValues(schema, operation.variableDefinitions ?? [], variables, { maxErrors: 1 }).coerced ?? {}
    return read
  }
}

/** Whether `@skip` and `@include` leave it in. */
const isIncluded = (selection: SelectionNode, variables: () => Record<string, unknown>): boolean =>
  !selection.directives?.length ||
  (getDirectiveValues(GraphQLSkipDirective, selection, variables())?.if !== true &&
    getDirectiveValues(GraphQLIncludeDirective, selection, variables())?.if !== false)

function memoised<K extends object, P, V>(compute: (key: K, parameter: P) => V): (key: K, parameter: P) => V {
  const known = new Map<K, V>()
  return (key, parameter) => {
    let value = known.get(key)
    if (value === undefined) {
      value = compute(key, parameter)
      known.set(key, value)
    }
    return value
  }
}
