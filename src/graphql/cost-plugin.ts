import type { ApolloServerPlugin, GraphQLRequestListener, GraphQLResponse } from '@apollo/server'
import {
  type DocumentNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  Kind,
  type OperationDefinitionNode,
} from 'graphql'
import { type BridgeError, isBridgeError } from '../domain/errors.ts'
import type { RequestContext } from './context.ts'
import { grant, owedBy } from './cost.ts'
import { check } from './cost-error.ts'
import { type Estimate, estimate } from './cost-estimate.ts'
import { checkShape } from './cost-shape.ts'

/** One operation of a document that was found valid. */
export interface Operation {
  schema: GraphQLSchema
  document: DocumentNode
  operationName?: string | null | undefined
  variables?: Readonly<Record<string, unknown>> | null | undefined
  context: RequestContext
}

/** What an operation takes by itself, in values that are written out in the same time. */
const OPERATION_COST = 200

/** Keeps the costs of operations without variables: they are the same each time, but for ranges that end now. */
const constant = new WeakMap<OperationDefinitionNode, Estimate>()

/**
 * Throws `QUERY_TOO_EXPENSIVE` for what costs too much, `RATE_LIMITED` where the caller has asked for too much lately;
 * what lists turn out to have is charged from here on.
 */
export function checkCost({ schema, document, operationName, variables, context }: Operation): void {
  const operation = getOperationAST(document, operationName)
  if (!operation) return
  let estimated = constant.get(operation)
  if (estimated === undefined) {
    const fragments = new Map<string, FragmentDefinitionNode>()
    for (const definition of document.definitions)
      if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition)
    estimated = estimate({ schema, operation, fragments, variables: variables ?? {} })
    for (const limit of ['filters', 'filterBytes', 'series'] as const) check(limit, estimated[limit])
    check('cost', estimated.cost, estimated.series > 0)
    if (!operation.variableDefinitions?.length) constant.set(operation, estimated)
  }
  const taken = estimated.cost + OPERATION_COST
  context.budgets.cost.take(context.principal.userId, taken)
  grant(context, { itemCosts: estimated.itemCosts, own: estimated.own + OPERATION_COST, taken })
}

/** Charges the caller with what an operation has cost in fact, once it is answered; one that was refused costs, too. */
export function settle(context: RequestContext): void {
  context.budgets.cost.add(context.principal.userId, owedBy(context) ?? OPERATION_COST)
}

/** What `run` refuses, as GraphQL tells what is wrong with a question, with status 400. */
export function refusing(run: () => void): void {
  try {
    run()
  } catch (error) {
    if (!isBridgeError(error)) throw error
    throw new GraphQLError(error.message, {
      originalError: error,
      extensions: { code: error.code, retryable: error.retryable, http: { status: 400 } },
    })
  }
}

/** Where nothing was answered because a budget is used up, HTTP says so, too. */
function tellWhenToComeBack({ body, http }: GraphQLResponse): void {
  if (body.kind !== 'single' || (body.singleResult.data ?? null) !== null) return
  const { extensions } = body.singleResult.errors?.find((one) => one.extensions?.code === 'RATE_LIMITED') ?? {}
  if (extensions === undefined) return
  http.status = 429
  http.headers.set('retry-after', String(extensions.retryAfterSeconds))
}

/** Refuses what costs too much: before it is validated by its shape, before it is executed by its cost. */
export function limitCost(onRefused: (code: BridgeError['code']) => void): ApolloServerPlugin<RequestContext> {
  const listener: GraphQLRequestListener<RequestContext> = {
    async validationDidStart({ document }) {
      refusing(() => checkShape(document))
    },
    async didResolveOperation({ schema, document, request, contextValue }) {
      const { operationName, variables } = request
      refusing(() => checkCost({ schema, document, operationName, variables, context: contextValue }))
    },
    async willSendResponse({ contextValue, response }) {
      settle(contextValue)
      tellWhenToComeBack(response)
    },
  }
  return {
    requestDidStart: async () => listener,
    // what is thrown before validation would be an internal error, if it were not thrown again here
    async unexpectedErrorProcessingRequest({ error }) {
      if (!(error instanceof GraphQLError) || !isBridgeError(error.originalError)) return
      onRefused(error.originalError.code)
      throw error
    },
  }
}
