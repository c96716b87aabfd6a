import { ZodError } from 'zod'

/** A statement that failed, or whose outcome is not known. */
export class StatementError extends Error {
  /** ClickHouse's number of the error; `undefined` where it never answered. */
  readonly code: number | undefined
  /** Whether the database is away, or cannot take any statement now: any other error says something of this one. */
  readonly isAway: boolean
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
    // rows that are not what they must be came from a database that answers
    this.isAway = number === undefined ? !(cause instanceof ZodError) : AWAY.has(number)
    this.refusesRows = number !== undefined && REFUSES_ROWS.has(number)
  }
}

/**
 * Errors of a server that takes no statement at all now, whatever it is. Not those of one that took too long or too much
 * memory: they say something of the statement, and the next one may do. By number, never by text.
 */
const AWAY: ReadonlySet<number> = new Set([
  202, // TOO_MANY_SIMULTANEOUS_QUERIES
  203, // NO_FREE_CONNECTION
  209, // SOCKET_TIMEOUT
  210, // NETWORK_ERROR
  236, // ABORTED: it is shutting down
  439, // CANNOT_SCHEDULE_TASK
  745, // SERVER_OVERLOADED
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
