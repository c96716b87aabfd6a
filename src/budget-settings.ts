import type { z } from 'zod'
import type { BudgetName } from './ports/budgets.ts'
import { matching, text, whole } from './setting-schemas.ts'

// The settings of how much one may ask, and of what: rows of `SETTINGS`, and what they come to.

const MOST = 1_000_000_000_000

const budget = (name: string, most: number, about: string) => ({
  schema: whole(name, 0, MOST, most),
  fallback: String(most),
  about: `${about}; 0: no bound`,
})

export const BUDGET_SETTINGS = {
  RATE_COST_PER_MINUTE: budget(
    'RATE_COST_PER_MINUTE',
    10_000_000,
    'values that a user may ask for in a minute, of which each operation counts 200 more; what is more is `RATE_LIMITED`',
  ),
  RATE_RECORDS_PER_MINUTE: budget(
    'RATE_RECORDS_PER_MINUTE',
    1_000_000,
    'records that a user may send to `ingestTokenRecords` in a minute',
  ),
  RATE_BYTES_PER_MINUTE: budget(
    'RATE_BYTES_PER_MINUTE',
    1_000_000_000,
    'bytes of requests and over WebSocket (pings, too) that a user may send in a minute; who goes on over WebSocket is sent away (1013)',
  ),
  RATE_FAILED_LOGINS: budget(
    'RATE_FAILED_LOGINS',
    100,
    'tokens that nobody here signed, from one address in 15 minutes, that are told to be bad; those after them are `RATE_LIMITED`; good ones always pass',
  ),
  KNOWN_OPERATIONS: {
    schema: text,
    fallback: 'none',
    about:
      'files and folders, comma-separated, of operations that are known beside those of the CLI: `.graphql` files, whose operations are known however they are laid out, each by the SHA-256 of `print(parse(…))` of GraphQL.js of it and its fragments (not by that of the file), and manifests (`.json`: documents by their hash or id, as GraphQL Code Generator and others write them); a client that adds fields such as `__typename` before it sends needs them in the files',
  },
  ONLY_KNOWN_OPERATIONS: {
    schema: matching(/^(on|off)$/, 'ONLY_KNOWN_OPERATIONS must be on or off'),
    fallback: '`off`',
    about: '`on`: no other operations are answered (`OPERATION_NOT_KNOWN`)',
  },
} as const

export interface BudgetConfig {
  /** What a caller may use in a window; 0: no bound. */
  rates: Record<BudgetName, number>
  /** Paths of files and folders. */
  knownOperations: string[]
  /** No others are answered. */
  onlyKnownOperations: boolean
}

type Shape = { [Name in keyof typeof BUDGET_SETTINGS]: (typeof BUDGET_SETTINGS)[Name]['schema'] }
type Settings = z.output<z.ZodObject<Shape>>

/** `pathOf`: makes an absolute path. */
export function budgetsOf(settings: Settings, pathOf: (path: string) => string | undefined): BudgetConfig {
  const paths = settings.KNOWN_OPERATIONS?.split(',').map((path) => pathOf(path.trim())) ?? []
  return {
    rates: {
      cost: settings.RATE_COST_PER_MINUTE,
      records: settings.RATE_RECORDS_PER_MINUTE,
      bytes: settings.RATE_BYTES_PER_MINUTE,
      failedLogins: settings.RATE_FAILED_LOGINS,
    },
    knownOperations: paths.flatMap((path) => path || []),
    onlyKnownOperations: settings.ONLY_KNOWN_OPERATIONS === 'on',
  }
}
