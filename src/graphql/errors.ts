import { ApolloServerErrorCode, unwrapResolverError } from '@apollo/server/errors'
import { GraphQLError, type GraphQLFormattedError } from 'graphql'
import { clip } from '../domain/clip.ts'
import { isBridgeError } from '../domain/errors.ts'
import { LIMITS } from '../domain/limits.ts'
import { visible } from '../domain/plain-text.ts'

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

/** Messages echo names and values of the caller, which may have any length. */
const MAX_MESSAGE = LIMITS.errorMessage.value
/** Longest name of an argument, or alias in a path, that is echoed. */
const MAX_NAME = 100
/** graphql-js ends a validation that would take it too long with this. */
const ABORTED = 'Validation aborted.'
/** And tells no more mistakes than it may with this in the end. */
const TOO_MANY = / Validation aborted\.$/
/** As of a document, of variables; no code tells that it is one of the client's mistakes. */
const TOO_MANY_VARIABLES = /^Too many errors processing variables/
/** With this, graphql-js proposes names of the schema at the end of a message. */
const SUGGESTION = ' Did you mean '

/** Apollo refuses by this, at length, what any page could have sent. */
const FROM_ANY_PAGE = /Cross-Site Request Forgery/

const ASK_OPENLY =
  'any page could have sent this: send content-type application/json, or, by GET, the header apollo-require-preflight with any value'
const OVERLAPS = 'fields of one name are in one place too often to be compared: ask for each of them once'
const MORE_MISTAKES = `there are more mistakes: only the first ${LIMITS.documentMistakes.value} are told`

export interface ErrorFormat {
  /** Whether the schema is hidden, so that no message may propose names of it. */
  hideSchemaDetails: boolean
  /** Gets what the client is not told. */
  onInternal: (error: unknown) => void
}

/**
 * The one place where errors become what a client sees: ours with their code, argument and whether it
 * helps to try again; GraphQL's own as they are; anything else without its message, which goes to `onInternal`.
 */
export function formatError(
  formatted: GraphQLFormattedError,
  error: unknown,
  { hideSchemaDetails, onInternal }: ErrorFormat,
): GraphQLFormattedError {
  const refused = error instanceof GraphQLError && isBridgeError(error.originalError)
  const original = refused ? error.originalError : unwrapResolverError(error)
  const place = {
    ...(formatted.path === undefined ? {} : { path: formatted.path.map(clipName) }),
    ...(formatted.locations === undefined ? {} : { locations: formatted.locations }),
  }
  if (isBridgeError(original)) {
    const { code, argument, retryable, retryAfterSeconds, message } = original
    return {
      message: told(message, MAX_MESSAGE),
      ...place,
      extensions: {
        code,
        retryable,
        ...(argument === undefined ? {} : { argument: told(argument, MAX_NAME) }),
        ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
      },
    }
  }
  const code = codeOf(formatted)
  if (CLIENT_ERRORS.has(code)) {
    if (formatted.message === ABORTED)
      return { message: OVERLAPS, ...place, extensions: { code: 'QUERY_TOO_EXPENSIVE', retryable: false } }
    const whole = inOurWords(formatted.message)
    const message = hideSchemaDetails ? withoutSuggestion(whole) : whole
    const argument = /^Variable "\$([^"]+)"(?: got invalid value .*? at "([^"]+)")?/.exec(message)
    return {
      message: told(message, MAX_MESSAGE),
      ...place,
      extensions: {
        code,
        retryable: false,
        ...(argument === null ? {} : { argument: told((argument[2] ?? argument[1]) as string, MAX_NAME) }),
      },
    }
  }
  onInternal(original)
  return { message: 'internal error', ...place, extensions: { code: 'INTERNAL_SERVER_ERROR', retryable: false } }
}

function inOurWords(message: string): string {
  if (TOO_MANY.test(message)) return MORE_MISTAKES
  return FROM_ANY_PAGE.test(message) ? ASK_OPENLY : message
}

function withoutSuggestion(message: string): string {
  const at = message.lastIndexOf(SUGGESTION)
  return at === -1 ? message : message.slice(0, at)
}

const codeOf = ({ message, path, extensions }: GraphQLFormattedError): unknown =>
  path === undefined && TOO_MANY_VARIABLES.test(message) ? ApolloServerErrorCode.BAD_USER_INPUT : extensions?.code

/** People read it where a terminal obeys what it is shown. */
const told = (text: string, most: number): string => clip(visible(clip(text, most)), most)

const clipName = (part: string | number): string | number => (typeof part === 'number' ? part : clip(part, MAX_NAME))
