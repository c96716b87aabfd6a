import type { Config } from '../config.ts'
import type { BudgetName, Budgets } from '../ports/budgets.ts'
import { createBudget } from '../rates/budget.ts'
import { createSharing } from '../rates/sharing.ts'
import { createSharedCounts } from '../redis/shared-counts.ts'

/** What callers may use; shared with other instances by Redis, where there is one. */
export interface OpenBudgets extends Budgets {
  close(): void
}

const MINUTE_MS = 60_000
const LOGINS_MS = 15 * MINUTE_MS

export function openBudgets({ rates, redisUrl }: Config, onRefused: (name: BudgetName) => void): OpenBudgets {
  const sharing = redisUrl === undefined ? undefined : createSharing({ counts: createSharedCounts(redisUrl) })
  const budgetOf = (name: BudgetName, about: string, windowMs: number) =>
    createBudget({ name, most: rates[name], windowMs, about, sharing, onRefused: () => onRefused(name) })
  return {
    cost: budgetOf('cost', 'values were asked for', MINUTE_MS),
    records: budgetOf('records', 'records were sent', MINUTE_MS),
    bytes: budgetOf('bytes', 'bytes were sent', MINUTE_MS),
    failedLogins: budgetOf('failedLogins', 'tokens of this address were no good', LOGINS_MS),
    close: () => sharing?.close(),
  }
}
