/** Every error that a client can meet. Codes are part of the contract. */
export const ERROR_CODES = [
  /** No token, or one that is invalid or expired. */
  'UNAUTHENTICATED',
  /** The token's roles do not allow it. */
  'FORBIDDEN',
  /** An argument is not what it must be; `argument` names it. */
  'INVALID_ARGUMENT',
  /** The operation asks for more than one answer may cost. */
  'QUERY_TOO_EXPENSIVE',
  /** The source cannot answer now; try again. */
  'SOURCE_UNAVAILABLE',
  /** Too much at once; try again later. */
  'OVERLOADED',
  /** The caller has used up a budget: come back after `retryAfterSeconds`. */
  'RATE_LIMITED',
  /** What must be kept cannot be written now: nothing was accepted; try again. */
  'STORAGE_UNAVAILABLE',
  /** The idempotency key was used for other content. */
  'IDEMPOTENCY_CONFLICT',
  /** Not in the state that it is in now. */
  'CONFLICT',
  /** An operator took the bridge out of all reading and writing: nothing but health is answered until it rejoins. */
  'ISOLATED',
  /** Only known operations are answered here, and this is none. */
  'OPERATION_NOT_KNOWN',
  /** Part of the contract that this version does not have yet. */
  'NOT_IMPLEMENTED',
] as const

export type ErrorCode = (typeof ERROR_CODES)[number]

const RETRYABLE: ReadonlySet<ErrorCode> = new Set([
  'SOURCE_UNAVAILABLE',
  'OVERLOADED',
  'RATE_LIMITED',
  'STORAGE_UNAVAILABLE',
  'ISOLATED',
])

/** An error that may be told to whoever asked. Anything else is told as an internal one, without its message. */
export class BridgeError extends Error {
  readonly code: ErrorCode
  /** Path of the argument that is wrong, such as `filter.from`. */
  readonly argument: string | undefined
  /** Whether the same request may succeed later. */
  readonly retryable: boolean
  /** When it may succeed, where that is known. */
  readonly retryAfterSeconds: number | undefined

  constructor(
    code: ErrorCode,
    message: string,
    options: { argument?: string; cause?: unknown; retryAfterSeconds?: number } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.name = 'BridgeError'
    this.code = code
    this.argument = options.argument
    this.retryable = RETRYABLE.has(code)
    this.retryAfterSeconds = options.retryAfterSeconds
  }
}

export function invalidArgument(argument: string, message: string): BridgeError {
  return new BridgeError('INVALID_ARGUMENT', `${argument}: ${message}`, { argument })
}

export function isBridgeError(error: unknown): error is BridgeError {
  return error instanceof BridgeError
}

const REFUSALS: ReadonlySet<ErrorCode> = new Set([
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'INVALID_ARGUMENT',
  'QUERY_TOO_EXPENSIVE',
  'OVERLOADED',
  'ISOLATED',
  'RATE_LIMITED',
])

/** Whether it is about what was asked, by whom, or how often: whoever asks another place instead walks around a limit. */
export function isRefusal(error: unknown): boolean {
  return isBridgeError(error) && REFUSALS.has(error.code)
}
