import type { BridgeError } from '../domain/errors.ts'

/** What callers may use in a window of time, each for itself. */
export interface Budget {
  /**
   * Counts `amount` for `who`. Throws RATE_LIMITED where that is more than is left; whoever has used nothing yet may
   * use more than there is, so that nothing is refused for ever.
   */
  take(who: string, amount: number): void
  /** What `take` would throw; counts nothing. */
  refusal(who: string, amount: number): BridgeError | undefined
  /** Counts what was used without being asked for before; less than nothing where it was less than was taken. */
  add(who: string, amount: number): void
}

/** The budgets of a caller, named by their user, and of an address. */
export interface Budgets {
  /** Values in answers, by user, a minute. */
  cost: Budget
  /** Records that are brought in, by user, a minute. */
  records: Budget
  /** Of requests, by user, a minute. */
  bytes: Budget
  /** Tokens that nobody here signed, by address, in a quarter of an hour. */
  failedLogins: Budget
}

export type BudgetName = keyof Budgets

/** What was used under a key since that was told last. */
export interface Use {
  key: string
  amount: number
  /** Of a window that begins now, where there is none. */
  windowMs: number
}

/** What all instances have used in the window, and for how long that lasts. */
export interface Total {
  total: number
  leftMs: number
}

/** Counts that instances share. */
export interface SharedCounts {
  /** Adds, and returns what that comes to, in the same order. Throws where nobody can be asked. */
  add(uses: readonly Use[]): Promise<Total[]>
  close(): void
}
