import { createHash } from 'node:crypto'
import {
  type DocumentNode,
  type FragmentDefinitionNode,
  Kind,
  type OperationDefinitionNode,
  parse,
  print,
  visit,
} from 'graphql'

/** Operations that clients may name instead of sending them. */
export interface KnownOperations {
  /** The document under a hash, or an id of a manifest; `undefined` where there is none. */
  textOf(id: string): string | undefined
  /** Whether all operations of a document are known, however they are laid out. */
  has(document: DocumentNode): boolean
}

/** A file of operations. */
export interface OperationFile {
  path: string
  text: string
}

/**
 * Known are the operations of `.graphql` files, with the fragments that they spread, of whatever file; and the documents
 * of manifests (`.json`). Each is known by its hash (SHA-256), those of manifests by their ids as well. Throws what is
 * wrong with a file.
 */
export function createKnownOperations(files: readonly OperationFile[]): KnownOperations {
  const texts = new Map<string, string>()
  const normal = new Set<string>()
  const add = (text: string, document: DocumentNode): void => {
    for (const one of normalForms(document)) {
      texts.set(hashOf(one), one)
      normal.add(one)
    }
    texts.set(hashOf(text), text)
  }
  const documents = files.filter(({ path }) => !path.endsWith('.json')).map(read)
  const fragments = documents.flatMap(({ definitions }) => definitions).filter(isFragment)
  for (const { definitions } of documents)
    for (const operation of definitions.filter(isOperation)) {
      const document = { kind: Kind.DOCUMENT, definitions: [operation, ...fragments] } as const
      add(normalFormOf(operation, document), document)
    }
  for (const { path, text } of files.filter(({ path }) => path.endsWith('.json')))
    for (const [id, body] of manifestOf({ path, text })) {
      add(body, read({ path, text: body }))
      texts.set(plainId(id), body)
    }
  return {
    textOf: (id) => texts.get(plainId(id)),
    has(document) {
      const forms = normalForms(document)
      return forms.length > 0 && forms.every((one) => normal.has(one))
    },
  }
}

/** SHA-256, as hexadecimal. */
export const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex')
/** Some write which hash it is before it. */
const plainId = (id: string): string => id.replace(/^sha256:/, '')

const isFragment = ({ kind }: { kind: Kind }): boolean => kind === Kind.FRAGMENT_DEFINITION

const isOperation = (definition: DocumentNode['definitions'][number]): definition is OperationDefinitionNode =>
  definition.kind === Kind.OPERATION_DEFINITION

const normalForms = (document: DocumentNode): string[] =>
  document.definitions.filter(isOperation).map((operation) => normalFormOf(operation, document))

/** The operation and the fragments that it spreads, by name: clients write them in any order, and with any spaces. */
function normalFormOf(operation: OperationDefinitionNode, { definitions }: DocumentNode): string {
  const spread = new Map<string, FragmentDefinitionNode>()
  const collect = (node: OperationDefinitionNode | FragmentDefinitionNode): void => {
    visit(node, {
      FragmentSpread({ name: { value: name } }) {
        const fragment = definitions.find((one) => one.kind === Kind.FRAGMENT_DEFINITION && one.name.value === name)
        if (fragment?.kind !== Kind.FRAGMENT_DEFINITION || spread.has(name)) return
        spread.set(name, fragment)
        collect(fragment)
      },
    })
  }
  collect(operation)
  const fragments = [...spread.values()].sort((a, b) => (a.name.value < b.name.value ? -1 : 1))
  return [operation, ...fragments].map(print).join('\n\n')
}

function read({ path, text }: OperationFile): DocumentNode {
  try {
    return parse(text, { noLocation: true })
  } catch (error) {
    throw new Error(`known operations: ${path}: ${(error as Error).message}`, { cause: error })
  }
}

/** Ids and documents: an object of them (GraphQL Code Generator), or a list of operations (Apollo). */
function manifestOf({ path, text }: OperationFile): [id: string, body: string][] {
  try {
    const manifest = JSON.parse(text) as { operations?: { id: string; body: string }[] } | Record<string, string>
    const entries = Array.isArray(manifest.operations)
      ? manifest.operations.map(({ id, body }): [string, string] => [id, body])
      : Object.entries(manifest as Record<string, string>)
    if (entries.every(([id, body]) => typeof id === 'string' && typeof body === 'string')) return entries
  } catch {
    // told below, as what is JSON and something else
  }
  throw new Error(`known operations: ${path}: it is no manifest: an object of documents by their hash or id`)
}
