import { ApolloServer, type ApolloServerPlugin } from '@apollo/server'
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
} from '@apollo/server/plugin/disabled'
import type { GraphQLSchema } from 'graphql'
import { LIMITS } from '../domain/limits.ts'
import { auditOperations } from '../graphql/audit.ts'
import type { RequestContext } from '../graphql/context.ts'
import { limitCost } from '../graphql/cost-plugin.ts'
import { createDocumentStore } from '../graphql/document-store.ts'
import { formatError } from '../graphql/errors.ts'
import { tellOlderClients } from '../graphql/json-status.ts'
import { noteLastingAnswers } from '../graphql/lasting.ts'
import { onceAnOperation } from '../graphql/once-an-operation.ts'
import { type Answered, answerOnly, createPersistedDocuments } from '../graphql/persisted-documents.ts'
import type { Logger } from '../observability/logger.ts'
import type { Metrics } from '../observability/metrics.ts'
import { observe } from './observed-operations.ts'

export interface ApolloOptions {
  schema: GraphQLSchema
  introspection: boolean
  logger: Logger
  metrics: Metrics
  answered: Answered
}

/** Enough for any question that the dashboard asks; a longer document is refused before it is parsed to its end. */
export const MAX_DOCUMENT_TOKENS = LIMITS.documentTokens.value

/**
 * Answers are for whoever asked alone. Apollo's own plugin would say so, too, but works it out anew for each value of
 * each answer, which took half of the time in which a long one is executed.
 */
const neverKept: ApolloServerPlugin<RequestContext> = {
  async requestDidStart() {
    return {
      async willSendResponse({ response }) {
        response.http.headers.set('cache-control', 'no-store')
      },
    }
  },
}

export const createApollo = ({
  schema,
  introspection,
  logger,
  metrics,
  answered,
}: ApolloOptions): ApolloServer<RequestContext> =>
  new ApolloServer<RequestContext>({
    schema,
    introspection,
    csrfPrevention: true,
    allowBatchedHttpRequests: false,
    hideSchemaDetailsFromClientErrors: !introspection,
    includeStacktraceInErrorResponses: false,
    persistedQueries: { cache: createPersistedDocuments(answered) },
    stopOnTerminationSignals: false,
    maxRecursiveSelections: true,
    parseOptions: { maxTokens: MAX_DOCUMENT_TOKENS },
    validationOptions: { maxErrors: LIMITS.documentMistakes.value },
    plugins: [
      ApolloServerPluginLandingPageDisabled(),
      ApolloServerPluginCacheControlDisabled(),
      neverKept,
      observe(metrics),
      auditOperations,
      answerOnly(answered),
      onceAnOperation,
      noteLastingAnswers,
      limitCost(metrics.error),
      tellOlderClients,
    ],
    documentStore: createDocumentStore(),
    formatError: (formatted, error) =>
      formatError(formatted, error, {
        hideSchemaDetails: !introspection,
        onInternal: (internal) => logger.error({ err: internal }, 'a resolver failed'),
      }),
  })
