// What the README says of speed: the figures of the last run of each benchmark, with its day, and nothing by hand.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'

/** One line of the table. */
export interface Figure {
  /** What was measured, and over how much. */
  what: string
  /** Its value, with the unit. */
  ours: string
  /** The same of what it is measured beside, and how the two compare. */
  peer: string
}

/** The last run of a benchmark whose figures were kept. */
interface Run {
  bench: string
  /** Such as `2026-12-01`. */
  day: string
  figures: readonly Figure[]
}

const FILE = new URL('figures.json', import.meta.url)
const README = new URL('../README.md', import.meta.url)
const BEGIN = '<!-- figures: npm run figures -->\n'
const END = '<!-- end of figures -->'

export const keptRuns = (): Run[] => (existsSync(FILE) ? (JSON.parse(readFileSync(FILE, 'utf8')) as Run[]) : [])

/** What the README has between its marks. */
function figuresTable(runs: readonly Run[]): string {
  const rows = runs.flatMap(({ day, figures }) =>
    figures.map(({ what, ours, peer }) => `| ${what} | ${ours} | ${peer} | ${day} |`),
  )
  return ['| on two cores | Token Bridge | beside it | measured on |', '| --- | --- | --- | --- |', ...rows, ''].join(
    '\n',
  )
}

/** The README's text, with these figures in the place of those that it has. */
export function withFigures(readme: string, runs: readonly Run[]): string {
  const [before, rest] = readme.split(BEGIN)
  const [, after] = (rest ?? '').split(END)
  if (before === undefined || after === undefined) throw new Error(`README.md has no ${BEGIN.trim()} and ${END}`)
  return `${before}${BEGIN}${figuresTable(runs)}${END}${after}`
}

/** Keeps the figures of a run in the place of those of the run before, and writes the README's table. */
export function keepFigures(bench: string, figures: readonly Figure[], day: string): void {
  const runs = keptRuns()
  const run = { bench, day, figures }
  const at = runs.findIndex((other) => other.bench === bench)
  if (at >= 0) runs[at] = run
  else runs.push(run)
  writeFileSync(FILE, `${JSON.stringify(runs, null, 2)}\n`)
  writeFileSync(README, withFigures(readFileSync(README, 'utf8'), runs))
}
