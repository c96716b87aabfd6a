import type { Budget, Budgets } from '../../src/ports/budgets.ts'

const noBound: Budget = { take: () => undefined, refusal: () => undefined, add: () => undefined }

/** Budgets that nobody uses up. */
export const NO_BOUNDS: Budgets = { cost: noBound, records: noBound, bytes: noBound, failedLogins: noBound }
