import { UsageError } from './usage-error.ts'

/** `--first`: how many are to be listed. */
export function readFirst(text: string): number {
  const first = Number(text)
  if (!Number.isInteger(first) || first < 1) throw new UsageError('--first must be a whole number from 1 on')
  return first
}
