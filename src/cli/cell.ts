import { createRequire } from 'node:module'
import { visible } from '../domain/plain-text.ts'
import { shown } from './terminal.ts'

// the measure that the tables themselves are drawn by
const { strlen } = createRequire(import.meta.url)('cli-table3/src/utils.js') as { strlen(text: string): number }

/** Columns that a name takes in a table. */
const MAX_COLUMNS = 80

/** Columns that a text takes on a terminal. */
export const columnsOf = (text: string): number => strlen(text)

/**
 * Foreign text as the cell of a table: harmless, and cut to so many columns, of which its start or its end is kept; a
 * wide character takes two.
 */
export function cell(text: string, maxColumns = MAX_COLUMNS, keeps: 'start' | 'end' = 'start'): string {
  // more than is shown of any text is not looked at
  const bound = 2 * Math.max(maxColumns, MAX_COLUMNS)
  const part = keeps === 'end' ? text.slice(-bound) : text
  const whole = keeps === 'end' ? visible(part) : shown(part, bound)
  if (part === text && strlen(whole) <= maxColumns) return whole
  const characters = [...whole]
  while (strlen(characters.join('')) > maxColumns - 1) {
    if (keeps === 'start') characters.pop()
    else characters.shift()
  }
  return keeps === 'start' ? `${characters.join('')}…` : `…${characters.join('')}`
}
