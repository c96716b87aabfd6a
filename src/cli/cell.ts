import { createRequire } from 'node:module'
import { shown } from './terminal.ts'

// the measure that the tables themselves are drawn by
const { strlen } = createRequire(import.meta.url)('cli-table3/src/utils.js') as { strlen(text: string): number }

/** Columns that a name takes in a table. */
const MAX_COLUMNS = 80

/** Foreign text as the cell of a table: harmless, and cut to so many columns; a wide character takes two. */
export function cell(text: string, maxColumns = MAX_COLUMNS): string {
  const whole = shown(text, 2 * maxColumns)
  if (strlen(whole) <= maxColumns) return whole
  const characters = [...whole]
  do characters.pop()
  while (strlen(characters.join('')) > maxColumns - 1)
  return `${characters.join('')}…`
}
