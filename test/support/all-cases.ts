/**
 * `ALL_CASES=1 npm test` tries every case of the slowest tests. Without it they try those that differ most: the whole
 * suite must end within half an hour on two slow cores.
 */
export const ALL_CASES = process.env.ALL_CASES !== undefined
