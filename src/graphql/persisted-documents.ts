import type { ApolloServerOptions, ApolloServerPlugin, GraphQLRequestListener } from '@apollo/server'
import type { DocumentNode } from 'graphql'
import { LRUCache } from 'lru-cache'
import { BridgeError, invalidArgument } from '../domain/errors.ts'
import { LIMITS } from '../domain/limits.ts'
import type { RequestContext } from './context.ts'
import { refusing } from './cost-plugin.ts'
import { hashOf, type KnownOperations } from './known-operations.ts'

/** Which operations are answered. */
export interface Answered {
  known: KnownOperations
  /** No others are. */
  onlyKnown: boolean
}

type Cache = NonNullable<Exclude<NonNullable<ApolloServerOptions<RequestContext>['persistedQueries']>, false>['cache']>

/** What a document takes in memory beside its text. */
const DOCUMENT_BYTES = 200
/** Apollo's, before each hash. */
const PREFIX = /^apq:/

/**
 * Documents by their hash, for Apollo's protocol: those that are known, and those that clients have registered by it, as
 * many as there is room for. Whoever asks by a hash that was forgotten is told so, and sends the document again.
 */
export function createPersistedDocuments({ known }: Answered): Cache {
  const registered = new LRUCache<string, string>({
    maxSize: LIMITS.registeredDocumentBytes.value,
    sizeCalculation: (text, key) => DOCUMENT_BYTES + 2 * (text.length + key.length),
  })
  return {
    get: async (key) => known.textOf(key.replace(PREFIX, '')) ?? registered.get(key),
    set: async (key, text) => void registered.set(key, text),
    delete: async (key) => registered.delete(key),
  }
}

/** Throws OPERATION_NOT_KNOWN for a document that is not answered here. */
export function checkAnswered({ known, onlyKnown }: Answered, document: DocumentNode): void {
  if (onlyKnown && !known.has(document))
    throw new BridgeError('OPERATION_NOT_KNOWN', 'only known operations are answered here (KNOWN_OPERATIONS)')
}

/** Refuses it before it is validated: what was found valid once is known, and not looked at again. */
export function answerOnly(answered: Answered): ApolloServerPlugin<RequestContext> {
  const listener: GraphQLRequestListener<RequestContext> = {
    async validationDidStart({ document }) {
      refusing(() => checkAnswered(answered, document))
    },
  }
  return {
    async requestDidStart({ request }) {
      if (request.extensions !== undefined) refusing(() => checkHash(request))
      return listener
    },
  }
}

/** What Apollo would tell as an error of its own inside. */
function checkHash({ query, extensions }: NamedDocument): void {
  const { persistedQuery } = (extensions ?? {}) as { persistedQuery?: { version?: unknown; sha256Hash?: unknown } }
  if (persistedQuery === undefined) return
  const { version, sha256Hash } = persistedQuery ?? {}
  if (version !== 1 || typeof sha256Hash !== 'string')
    throw invalidArgument('extensions.persistedQuery', 'must have version 1, and a text sha256Hash')
  if (typeof query === 'string' && sha256Hash !== hashOf(query))
    throw invalidArgument('extensions.persistedQuery.sha256Hash', 'is not the hash of query')
}

/** A request as it came: `documentId` of GraphQL over HTTP, or Apollo's hash, names a document that is not sent. */
export interface NamedDocument {
  query?: unknown
  documentId?: unknown
  extensions?: unknown
}

/** The id that a request names its document by; `undefined` where it sends it. */
export function documentIdOf({ query, documentId, extensions }: NamedDocument): string | undefined {
  if (typeof query === 'string' && query !== '') return undefined
  if (typeof documentId === 'string') return documentId
  const { persistedQuery } = (extensions ?? {}) as { persistedQuery?: { sha256Hash?: unknown } }
  return typeof persistedQuery?.sha256Hash === 'string' ? persistedQuery.sha256Hash : undefined
}

/** Names the document of a request in the way that Apollo knows. */
export function nameAsApolloDoes(body: unknown): void {
  if (typeof body !== 'object' || body === null || !('documentId' in body)) return
  const sha256Hash = documentIdOf(body)
  if (sha256Hash !== undefined) Object.assign(body, { extensions: { persistedQuery: { version: 1, sha256Hash } } })
}
