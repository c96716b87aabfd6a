import { type DocumentNode, type FragmentDefinitionNode, Kind, type SelectionSetNode } from 'graphql'
import { check } from './cost-error.ts'

/** What a document amounts to when all its fragments are spread. */
export interface Shape {
  fields: number
  aliases: number
  depth: number
  /** Declared by all its operations. */
  variables: number
}

const NOTHING: Shape = { fields: 0, aliases: 0, depth: 0, variables: 0 }

/**
 * The shape of a parsed document, before it is validated: validation takes more than linear time in the fields
 * that fragments spread. Linear: each fragment is looked at once. One that spreads itself is invalid, and counts
 * as nothing there.
 */
export function shapeOf(document: DocumentNode): Shape {
  const fragments = new Map<string, FragmentDefinitionNode>()
  for (const definition of document.definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition)
  const known = new Map<string, Shape>()

  const ofFragment = (name: string): Shape => {
    const fragment = fragments.get(name)
    const shape = known.get(name)
    if (shape !== undefined || fragment === undefined) return shape ?? NOTHING
    known.set(name, NOTHING)
    const counted = ofSelections(fragment.selectionSet)
    known.set(name, counted)
    return counted
  }

  const ofSelections = (set: SelectionSetNode | undefined): Shape => {
    const sum = { ...NOTHING }
    for (const selection of set?.selections ?? []) {
      const below =
        selection.kind === Kind.FRAGMENT_SPREAD
          ? ofFragment(selection.name.value)
          : ofSelections(selection.selectionSet)
      const own = selection.kind === Kind.FIELD ? 1 : 0
      sum.fields += below.fields + own
      sum.aliases += below.aliases + (selection.kind === Kind.FIELD && selection.alias !== undefined ? 1 : 0)
      sum.depth = Math.max(sum.depth, below.depth + own)
    }
    return sum
  }

  const whole = { ...NOTHING }
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION && definition.kind !== Kind.FRAGMENT_DEFINITION) continue
    const { fields, aliases, depth } =
      definition.kind === Kind.FRAGMENT_DEFINITION
        ? ofFragment(definition.name.value)
        : ofSelections(definition.selectionSet)
    if (definition.kind === Kind.OPERATION_DEFINITION) whole.variables += definition.variableDefinitions?.length ?? 0
    // validation looks at each fragment by itself, too
    whole.fields = Math.max(whole.fields, fields)
    whole.aliases = Math.max(whole.aliases, aliases)
    whole.depth = Math.max(whole.depth, depth)
  }
  return whole
}

/** Throws `QUERY_TOO_EXPENSIVE` for a document that is too large to be validated. */
export function checkShape(document: DocumentNode): void {
  const { fields, aliases, depth, variables } = shapeOf(document)
  check('depth', depth)
  check('fields', fields)
  check('aliases', aliases)
  check('variables', variables)
}
