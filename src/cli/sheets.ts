import { visible } from '../domain/plain-text.ts'
import { usageOf } from '../domain/usage.ts'
import type { Analyzed } from './report.ts'
import type { Row } from './rows.ts'

// What `analyze` prints for spreadsheets and for documents.

const FIGURES = ['input', 'output', 'cache_creation', 'cache_read', 'total', 'records', 'cost_usd']

/** RFC 4180, a line each; no sums, which whoever reads it makes. A cost that is not known is empty. */
export function csvLines(analyzed: Analyzed): string[] {
  const { heads, rows } = sheetOf(analyzed)
  return [[...heads, ...FIGURES], ...rows.map(({ values, row }) => [...values.map(cellOfCsv), ...figuresOf(row)])].map(
    (cells) => cells.map(quoted).join(','),
  )
}

/** A table of GitHub's Markdown, its last row the sum. */
export function markdownLines(analyzed: Analyzed): string[] {
  const { heads, rows } = sheetOf(analyzed)
  const whole = usageOf(analyzed.answer.whole, analyzed.priceOf)
  const sum = ['**Total**', ...heads.slice(1).map(() => ''), ...figuresOf({ values: [], usage: whole })]
  return [
    [...heads, ...FIGURES].map(cellOfMarkdown),
    [...heads.map(() => '---'), ...FIGURES.map(() => '--:')],
    ...rows.map(({ values, row }) => [...values.map(cellOfMarkdown), ...figuresOf(row)]),
    sum,
  ].map((cells) => `| ${cells.join(' | ')} |`)
}

/** With the path of a project beside its name. */
function sheetOf({ by, rows, projectPaths }: Analyzed): {
  heads: string[]
  rows: { values: string[]; row: Row }[]
} {
  const bySession = rows[0]?.session !== undefined
  const names = bySession ? [...by.names, 'project'] : by.names
  const heads = names.flatMap((name) => (name === 'project' ? ['project', 'project_path'] : [name]))
  return {
    heads: bySession ? [...heads, 'last_activity'] : heads,
    rows: rows.map((row) => {
      const values = row.session === undefined ? row.values : [...row.values, row.session.project]
      const cells = names.flatMap((name, i) => {
        const value = values[i] as string
        return name === 'project' ? [value, projectPaths.get(value) ?? ''] : [value]
      })
      return {
        values: row.session === undefined ? cells : [...cells, new Date(row.session.lastActivityAt).toISOString()],
        row,
      }
    }),
  }
}

function figuresOf({ usage: { tokens, recordCount, costUsd } }: Row): string[] {
  const { input, output, cacheCreation, cacheRead, total } = tokens
  return [...[input, output, cacheCreation, cacheRead, total, recordCount].map(String), costUsd?.toFixed(6) ?? '']
}

const quoted = (text: string): string => (/[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)

/** A name that a spreadsheet would carry out begins with an apostrophe. Names of projects begin with a dash, as text may. */
function cellOfCsv(text: string): string {
  const one = visible(text)
  return /^[=+@]|^-[^\s]*[|(!]/.test(one) ? `'${one}` : one
}

const cellOfMarkdown = (text: string): string => visible(text).replace(/[\\`*_[\]<>|~]/g, '\\$&')
