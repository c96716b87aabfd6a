import type { ApolloServerPlugin } from '@apollo/server'
import { ApolloServerErrorCode } from '@apollo/server/errors'
import { GraphQLError } from 'graphql'
import { GRAPHQL_TRANSPORT_WS_PROTOCOL } from 'graphql-ws'
import { clip } from '../domain/clip.ts'
import type { RequestContext } from '../graphql/context.ts'
import type { Metrics } from '../observability/metrics.ts'

/** Of a name of an operation, in the log. */
const MAX_NAME = 100

/** Counts operations and errors, and how long they take, and notes them for the log. Subscriptions are answered elsewhere. */
export function observe(metrics: Metrics): ApolloServerPlugin<RequestContext> {
  return {
    async requestDidStart({ contextValue: { notes } }) {
      const started = performance.now()
      let type = 'unknown'
      let outcome: 'ok' | 'error' = 'ok'
      return {
        async didResolveOperation({ operation, operationName }) {
          type = operation?.operation ?? type
          notes.operation = [type, clip(operationName ?? '', MAX_NAME)].join(' ').trim()
          if (type === 'subscription')
            throw new GraphQLError(`subscriptions are answered over WebSocket (${GRAPHQL_TRANSPORT_WS_PROTOCOL})`, {
              extensions: { code: ApolloServerErrorCode.BAD_REQUEST, http: { status: 400 } },
            })
        },
        async willSendResponse({ response }) {
          const { body } = response
          const errors = body.kind === 'single' ? (body.singleResult.errors ?? []) : []
          if (errors.length > 0) outcome = 'error'
          for (const error of errors) metrics.error(String(error.extensions?.code))
          notes.errors = [...new Set(errors.map(({ extensions }) => String(extensions?.code)))]
          metrics.operation(type, outcome, (performance.now() - started) / 1000)
        },
      }
    },
  }
}
