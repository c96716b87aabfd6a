import type { ApolloServerPlugin } from '@apollo/server'
import { ApolloServerErrorCode } from '@apollo/server/errors'
import type { RequestContext } from './context.ts'

/** Mistakes in a document or its variables, by GraphQL itself. */
const OF_THE_QUESTION: ReadonlySet<unknown> = new Set([
  ApolloServerErrorCode.GRAPHQL_PARSE_FAILED,
  ApolloServerErrorCode.GRAPHQL_VALIDATION_FAILED,
  ApolloServerErrorCode.BAD_USER_INPUT,
  ApolloServerErrorCode.OPERATION_RESOLUTION_FAILURE,
])

/**
 * Who asks for `application/json` by name, and not for `application/graphql-response+json`, is told of such mistakes
 * with status 200, as GraphQL over HTTP has it for older clients, some of which read no body of another status.
 * Everybody else gets 400 with the same body.
 */
export const tellOlderClients: ApolloServerPlugin<RequestContext> = {
  async requestDidStart() {
    return {
      async willSendResponse({ request, response: { body, http } }) {
        if (http.status !== 400 || body.kind !== 'single' || !isOlder(request.http?.headers.get('accept') ?? '')) return
        const errors = body.singleResult.errors ?? []
        if (errors.every(({ extensions }) => OF_THE_QUESTION.has(extensions?.code))) http.status = 200
      },
    }
  },
}

const isOlder = (accept: string): boolean =>
  /\bapplication\/json\b/i.test(accept) && !/\bapplication\/graphql-response\+json\b/i.test(accept)
