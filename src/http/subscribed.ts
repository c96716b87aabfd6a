import { randomUUID } from 'node:crypto'
import {
  GraphQLError,
  type GraphQLFormattedError,
  type GraphQLSchema,
  getOperationAST,
  NoSchemaIntrospectionCustomRule,
  parse,
  specifiedRules,
  validate,
} from 'graphql'
import type { SubscribePayload } from 'graphql-ws'
import type { Principal } from '../access/roles.ts'
import { type BridgeError, isBridgeError } from '../domain/errors.ts'
import { LIMITS } from '../domain/limits.ts'
import type { RequestContext } from '../graphql/context.ts'
import { checkCost } from '../graphql/cost-plugin.ts'
import { checkShape } from '../graphql/cost-shape.ts'
import { formatError } from '../graphql/errors.ts'
import { type Answered, checkAnswered, documentIdOf } from '../graphql/persisted-documents.ts'
import type { Logger } from '../observability/logger.ts'

// What is asked and told over a WebSocket: documents before they are executed, and errors.

export interface SubscribedOptions {
  schema: GraphQLSchema
  introspection: boolean
  answered: Answered
  /** Settles when everything is known that was acknowledged elsewhere before it was called. */
  whenCurrent: () => Promise<void>
  createContext: (principal: Principal, requestId: string, from: string) => RequestContext
}

const BAD_USER_INPUT = { code: 'BAD_USER_INPUT' }
const NOT_FOUND = new GraphQLError('PersistedQueryNotFound', { extensions: { code: 'PERSISTED_QUERY_NOT_FOUND' } })

/** Of a document that is sent, or named and known; those that clients register are for HTTP alone. */
function textOf(payload: SubscribePayload, { known }: Answered): string | undefined {
  const id = documentIdOf(payload)
  return id === undefined ? payload.query : known.textOf(id)
}

/** Reads and checks what is subscribed to: gives what is to be executed, or the errors that the caller is told. */
export function createPreparing(
  { schema, introspection, answered, whenCurrent, createContext }: SubscribedOptions,
  maxDocumentTokens: number,
) {
  const rules = introspection ? specifiedRules : [...specifiedRules, NoSchemaIntrospectionCustomRule]
  return async (payload: SubscribePayload, principal: Principal, from: string) => {
    const { operationName, variables } = payload
    try {
      const text = textOf(payload, answered)
      if (text === undefined) return [NOT_FOUND]
      const document = parse(text, { maxTokens: maxDocumentTokens })
      checkShape(document)
      checkAnswered(answered, document)
      // before it is validated, which costs most
      const operation = getOperationAST(document, operationName)?.operation
      if (operation === 'query' || operation === 'mutation')
        return [new GraphQLError('only subscriptions are answered here: ask everything else by HTTP')]
      const errors = validate(schema, document, rules, { maxErrors: LIMITS.documentMistakes.value })
      if (errors.length > 0) return errors
      await whenCurrent()
      const contextValue = createContext(principal, randomUUID(), from)
      checkCost({ schema, document, operationName, variables, context: contextValue })
      return { schema, document, operationName, variableValues: variables, contextValue }
    } catch (error) {
      if (error instanceof GraphQLError) return [error]
      if (isBridgeError(error)) return [refusal(error)]
      throw error
    }
  }
}

/** Errors as they are told to callers. */
export function createShowing({
  introspection,
  logger,
}: Pick<SubscribedOptions, 'introspection'> & { logger: Logger }) {
  return (error: GraphQLFormattedError | GraphQLError): GraphQLFormattedError => {
    const cause = causeOf(error)
    const formatted = error instanceof GraphQLError ? error.toJSON() : error
    // without a cause, a code or a place it is of the question, its variables included
    const isOfQuestion = cause === undefined && formatted.path === undefined && formatted.extensions?.code === undefined
    return formatError(isOfQuestion ? { ...formatted, extensions: BAD_USER_INPUT } : formatted, cause ?? error, {
      hideSchemaDetails: !introspection,
      onInternal: (internal) => logger.error({ err: internal }, 'a subscription failed'),
    })
  }
}

export const refusal = (error: BridgeError): GraphQLError => new GraphQLError(error.message, { originalError: error })

/** What was thrown by something other than GraphQL. */
function causeOf(error: GraphQLFormattedError | GraphQLError): Error | undefined {
  if (!(error instanceof GraphQLError)) return undefined
  const { originalError } = error
  return originalError instanceof GraphQLError ? causeOf(originalError) : originalError
}
