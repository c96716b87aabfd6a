import { type DocumentNode, type FragmentDefinitionNode, Kind, type SelectionSetNode } from 'graphql'
import { LIMITS } from '../domain/limits.ts'
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
  const fragments = fragmentsOf(document)
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

/**
 * How many fields of one name (of one alias) come together in one place at most: validation compares each of them with
 * each of the others. Throws where it would look at more fields than a document may have, as fragments that spread
 * each other make it.
 */
export function equalFieldsOf(document: DocumentNode): number {
  const fragments = fragmentsOf(document)
  let looked = 0
  let most = 0

  /** The selections below all these fields become one. */
  const look = (sets: readonly SelectionSetNode[], depth: number): void => {
    const below = new Map<string, SelectionSetNode[]>()
    const found = new Map<string, number>()
    const spread = new Set<string>()
    const collect = (set: SelectionSetNode): void => {
      for (const selection of set.selections) {
        if (selection.kind === Kind.FIELD) {
          check('fields', ++looked)
          const name = selection.alias?.value ?? selection.name.value
          found.set(name, (found.get(name) ?? 0) + 1)
          const { selectionSet } = selection
          if (selectionSet !== undefined) below.set(name, [...(below.get(name) ?? []), selectionSet])
        } else if (selection.kind === Kind.INLINE_FRAGMENT) collect(selection.selectionSet)
        else if (!spread.has(selection.name.value)) {
          spread.add(selection.name.value)
          const fragment = fragments.get(selection.name.value)
          if (fragment !== undefined) collect(fragment.selectionSet)
        }
      }
    }
    sets.forEach(collect)
    most = Math.max(most, ...found.values())
    // documents that are deeper were refused before: only a fragment that spreads itself, which is invalid, gets this far
    if (depth < LIMITS.depth.value) for (const ofName of below.values()) look(ofName, depth + 1)
  }

  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION && definition.kind !== Kind.FRAGMENT_DEFINITION) continue
    looked = 0
    look([definition.selectionSet], 1)
  }
  return most
}

function fragmentsOf(document: DocumentNode): Map<string, FragmentDefinitionNode> {
  const fragments = new Map<string, FragmentDefinitionNode>()
  for (const definition of document.definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition)
  return fragments
}

/** Throws `QUERY_TOO_EXPENSIVE` for a document that is too large to be validated. */
export function checkShape(document: DocumentNode): void {
  // each mistake is told with its lines, which are counted from the first one on
  check('documentLines', linesOf(document.loc?.source.body ?? ''))
  const { fields, aliases, depth, variables } = shapeOf(document)
  check('depth', depth)
  check('fields', fields)
  check('aliases', aliases)
  check('variables', variables)
  check('equalFields', equalFieldsOf(document))
}

const linesOf = (text: string): number => 1 + (text.match(/\r\n|[\n\r]/g)?.length ?? 0)
