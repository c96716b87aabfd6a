import { ApolloServerErrorCode, unwrapResolverError } from '@apollo/server/errors'
import { GraphQLError, type GraphQLFormattedError } from 'graphql'
import { isBridgeError } from '../domain/errors.ts'

/** Errors of GraphQL itself that tell the client what it did wrong. */
const CLIENT_ERRORS: ReadonlySet<unknown> = new Set([
  ApolloServerErrorCode.GRAPHQL_PARSE_FAILED,
  ApolloServerErrorCode.GRAPHQL_VALIDATION_FAILED,
  ApolloServerErrorCode.BAD_USER_INPUT,
  ApolloServerErrorCode.OPERATION_RESOLUTION_FAILURE,
  ApolloServerErrorCode.BAD_REQUEST,
  ApolloServerErrorCode.PERSISTED_QUERY_NOT_FOUND,
  ApolloServerErrorCode.PERSISTED_QUERY_NOT_SUPPORTED,
])

/**
 * The one place where errors become what a client sees: ours with their code, argument and whether it
 * helps to try again; GraphQL's own as they are; anything else without its message, which goes to `onInternal`.
 */
export function formatError(
  formatted: GraphQLFormattedError,
  error: unknown,
  onInternal: (error: unknown) => void,
): GraphQLFormattedError {
  const refused = error instanceof GraphQLError && isBridgeError(error.originalError)
  const original = refused ? error.originalError : unwrapResolverError(error)
  const place = {
    ...(formatted.path === undefined ? {} : { path: formatted.path }),
    ...(formatted.locations === undefined ? {} : { locations: formatted.locations }),
  }
  if (isBridgeError(original)) {
    const { code, argument, retryable, message } = original
    return { message, ...place, extensions: { code, retryable, ...(argument === undefined ? {} : { argument }) } }
  }
  const code = formatted.extensions?.code
  if (CLIENT_ERRORS.has(code)) {
    const argument = /^Variable "\$([^"]+)"(?: got invalid value .*? at "([^"]+)")?/.exec(formatted.message)
    return {
      message: formatted.message,
      ...place,
      extensions: {
        code,
        retryable: false,
        ...(argument === null ? {} : { argument: argument[2] ?? argument[1] }),
      },
    }
  }
  onInternal(original)
  return { message: 'internal error', ...place, extensions: { code: 'INTERNAL_SERVER_ERROR', retryable: false } }
}
