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
