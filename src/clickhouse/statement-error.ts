/** A statement that failed, or whose outcome is not known. */
export class StatementError extends Error {
  /** ClickHouse's number of the error; `undefined` where it never answered. */
  readonly code: number | undefined
  /** Whether the same statement may succeed later. */
  readonly retryable: boolean

  constructor(statement: string, cause: unknown) {
    const { code, type, message } = cause as { code?: unknown; type?: unknown; message: string }
    // the embedded engine and the client each bring an error class of their own
    const number = typeof code === 'string' && /^\d+$/.test(code) ? Number(code) : undefined
    super(`ClickHouse did not carry out ${statement}: ${number === undefined ? message : `${number} ${type}`}`, {
      cause,
    })
    this.name = 'StatementError'
    this.code = number
    this.retryable = number === undefined || RETRYABLE.has(number)
  }
}

/** Errors of a server that is busy, short of something, or shutting down. By number, never by text. */
const RETRYABLE: ReadonlySet<number> = new Set([
  3, // UNEXPECTED_END_OF_FILE
  159, // TIMEOUT_EXCEEDED
  160, // TOO_SLOW
  164, // READONLY
  198, // DNS_ERROR
  202, // TOO_MANY_SIMULTANEOUS_QUERIES
  203, // NO_FREE_CONNECTION
  209, // SOCKET_TIMEOUT
  210, // NETWORK_ERROR
  225, // NO_ZOOKEEPER
  236, // ABORTED
  241, // MEMORY_LIMIT_EXCEEDED
  242, // TABLE_IS_READ_ONLY
  243, // NOT_ENOUGH_SPACE
  252, // TOO_MANY_PARTS
  285, // TOO_FEW_LIVE_REPLICAS
  319, // UNKNOWN_STATUS_OF_INSERT
  394, // QUERY_WAS_CANCELLED
  439, // CANNOT_SCHEDULE_TASK
  473, // DEADLOCK_AVOIDED
  745, // SERVER_OVERLOADED
  999, // KEEPER_EXCEPTION
])
