import { visible } from '../domain/plain-text.ts'

/** What is printed for spreadsheets and for documents. */
export interface Sheet {
  /** Of the columns that are names; figures follow. */
  names: readonly string[]
  figures: readonly string[]
  rows: readonly { names: readonly string[]; figures: readonly string[] }[]
}

/** RFC 4180, a line each; no sums, which whoever reads it makes. */
export const csvLines = ({ names, figures, rows }: Sheet): string[] =>
  [[...names, ...figures], ...rows.map((row) => [...row.names.map(cellOfCsv), ...row.figures])].map((cells) =>
    cells.map(quoted).join(','),
  )

/** A table of GitHub's Markdown; figures stand at the right. */
export const markdownLines = ({ names, figures, rows }: Sheet): string[] =>
  [
    [...names, ...figures].map(cellOfMarkdown),
    [...names.map(() => '---'), ...figures.map(() => '--:')],
    ...rows.map((row) => [...row.names.map(cellOfMarkdown), ...row.figures]),
  ].map((cells) => `| ${cells.join(' | ')} |`)

const quoted = (text: string): string => (/[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)

/** A name that a spreadsheet would carry out begins with an apostrophe. Names of projects begin with a dash, as text may. */
function cellOfCsv(text: string): string {
  const one = visible(text)
  return /^[=+@]|^-[^\s]*[|(!]/.test(one) ? `'${one}` : one
}

const cellOfMarkdown = (text: string): string => visible(text).replace(/[\\`*_[\]<>|~]/g, '\\$&')
