import { styleText } from 'node:util'
import { visible, visibleJson } from '../domain/plain-text.ts'

// All that the CLI prints goes out here: models, paths and messages come from elsewhere, and a terminal would obey
// them.

/** UTF-16 units of one line; longer ones are cut. */
const MAX_LINE = 2000

/** Foreign text within a line: harmless, and cut to so many UTF-16 units. */
export function shown(text: string, max = MAX_LINE): string {
  // no character gets shorter when it is made harmless, so only so many need to be looked at
  const whole = visible(text.slice(0, max + 1))
  return whole.length <= max ? whole : `${whole.slice(0, max - 1).replace(/[\ud800-\udbff]$/, '')}…`
}

export function printLines(lines: readonly string[]): void {
  process.stdout.write(lines.map((line) => `${shown(line)}\n`).join(''))
}

/** A line that may stand out where a terminal shows it. */
export type StyledLine = string | { text: string; style: 'bold' | 'dim' | 'red' | 'yellow' | 'green' }

/** The same, with colours where stdout is a terminal and nothing (`NO_COLOR`) speaks against them. */
export function printStyled(lines: readonly StyledLine[]): void {
  const styled = lines.map((line) =>
    typeof line === 'string'
      ? shown(line)
      : styleText(line.style, shown(line.text), { stream: process.stdout, validateStream: true }),
  )
  process.stdout.write(styled.map((line) => `${line}\n`).join(''))
}

/** Columns that a table is compact in. */
const COMPACT = 80

/** Columns that a table may take: those of the terminal; without one, any number. */
export function tableColumns(compact: boolean): number {
  // some terminals do not say how wide they are
  const terminal = (process.stdout.isTTY && process.stdout.columns) || Number.POSITIVE_INFINITY
  return compact ? Math.min(COMPACT, terminal) : terminal
}

/** Lines for other programs: harmless, and whole however long they are. */
export function printWhole(lines: readonly string[]): void {
  process.stdout.write(lines.map((line) => `${visible(line)}\n`).join(''))
}

/** Exactly the value, whatever it holds. */
export function printJson(value: unknown): void {
  process.stdout.write(`${visibleJson(JSON.stringify(value, null, 2))}\n`)
}

/** On stderr, where a person looks. */
export function tellLines(lines: readonly string[]): void {
  process.stderr.write(lines.map((line) => `${shown(line)}\n`).join(''))
}

/** What went wrong, one line on stderr. */
export function tellProblem(problem: string): void {
  tellLines([`token-bridge: ${problem}`])
}
