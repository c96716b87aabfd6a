import type { ApolloServerPlugin } from '@apollo/server'
import {
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  visit,
} from 'graphql'
import { BridgeError } from '../domain/errors.ts'

/** What writes to the journal: by aliases that share a variable, a small document would become any number of entries. */
const ONCE: ReadonlySet<string> = new Set(['ingestTokenRecords', 'setSourcePreference', 'tripGuard', 'resetGuard'])

/** Refuses such an operation before it is carried out: mutations run one after the other, the first would be done. */
export const onceAnOperation: ApolloServerPlugin = {
  async requestDidStart() {
    return {
      async didResolveOperation({ operation, document }) {
        if (operation?.operation !== 'mutation') return
        assertOnce(
          operation,
          document.definitions.filter((one) => one.kind === Kind.FRAGMENT_DEFINITION),
        )
      },
    }
  },
}

/**
 * Throws where an operation asks for one of `ONCE` under more than one name, or uses a variable in its arguments twice,
 * which multiplies as well; `@skip` and `@include` are not looked at.
 */
function assertOnce(operation: OperationDefinitionNode, fragments: readonly FragmentDefinitionNode[]): void {
  const names = new Map<string, string>()
  for (const field of fieldsOf(operation.selectionSet, fragments)) {
    const name = field.name.value
    if (!ONCE.has(name)) continue
    const responseName = field.alias?.value ?? name
    if ((names.get(name) ?? responseName) !== responseName)
      throw tooExpensive(responseName, `one operation may ask for ${name} once`)
    names.set(name, responseName)
    const repeated = repeatedVariable(field)
    if (repeated !== undefined) throw tooExpensive(responseName, `${name} may use $${repeated} once`)
  }
}

function repeatedVariable(field: FieldNode): string | undefined {
  const used = new Set<string>()
  let repeated: string | undefined
  for (const argument of field.arguments ?? [])
    visit(argument, {
      Variable({ name }) {
        if (used.has(name.value)) repeated = name.value
        used.add(name.value)
      },
    })
  return repeated
}

/** As a resolver would have thrown it: so it is told like any other error of ours. */
function tooExpensive(responseName: string, message: string): GraphQLError {
  return new GraphQLError(message, {
    path: [responseName],
    originalError: new BridgeError('QUERY_TOO_EXPENSIVE', message),
    extensions: { http: { status: 400 } },
  })
}

/** The fields that a selection has, through fragments, each of which is looked at once. */
function* fieldsOf(
  { selections }: SelectionSetNode,
  fragments: readonly FragmentDefinitionNode[],
  seen = new Set<string>(),
): Iterable<FieldNode> {
  for (const selection of selections) {
    if (selection.kind === Kind.FIELD) yield selection
    else if (selection.kind === Kind.INLINE_FRAGMENT) yield* fieldsOf(selection.selectionSet, fragments, seen)
    else if (!seen.has(selection.name.value)) {
      seen.add(selection.name.value)
      const fragment = fragments.find(({ name }) => name.value === selection.name.value)
      if (fragment !== undefined) yield* fieldsOf(fragment.selectionSet, fragments, seen)
    }
  }
}
