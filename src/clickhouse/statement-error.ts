/** A statement that failed, or whose outcome is not known. */
export class StatementError extends Error {
  /** ClickHouse's number of the error; `undefined` where it never answered. */
  readonly code: number | undefined
  /** Whether the same statement may succeed later. */
  readonly retryable: boolean
  /** Whether the rows that came with the statement are the reason: what is in them, and nothing else. */
  readonly refusesRows: boolean

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
    this.refusesRows = number !== undefined && REFUSES_ROWS.has(number)
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

/** Errors that only the content of rows can cause. What is not listed is no fault of theirs. By number, never by text. */
const REFUSES_ROWS: ReadonlySet<number> = new Set([
  6, // CANNOT_PARSE_TEXT
  25, // CANNOT_PARSE_ESCAPE_SEQUENCE
  26, // CANNOT_PARSE_QUOTED_STRING
  27, // CANNOT_PARSE_INPUT_ASSERTION_FAILED
  38, // CANNOT_PARSE_DATE
  41, // CANNOT_PARSE_DATETIME
  72, // CANNOT_PARSE_NUMBER
  321, // VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
  349, // CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
  376, // CANNOT_PARSE_UUID
  467, // CANNOT_PARSE_BOOL
  469, // VIOLATED_CONSTRAINT
])
