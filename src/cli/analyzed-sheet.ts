import { type Usage, usageOf } from '../domain/usage.ts'
import type { Analyzed } from './report.ts'
import type { Sheet } from './sheet.ts'

export const FIGURES = ['input', 'output', 'cache_creation', 'cache_read', 'total', 'records', 'cost_usd']

/** The rows of `analyze`, with the path of a project beside its name; where it is asked for, the sum as the last one. */
export function sheetOf({ by, rows, projectPaths, answer, priceOf }: Analyzed, withSum: boolean): Sheet {
  const bySession = by.names.length === 1 && by.names[0] === 'session'
  const columns = bySession ? ['session', 'project', 'last_activity'] : by.names
  const names = columns.flatMap((name) => (name === 'project' ? ['project', 'project_path'] : [name]))
  const sum = { names: ['Total', ...names.slice(1).map(() => '')], figures: figuresOf(usageOf(answer.whole, priceOf)) }
  return {
    names,
    figures: FIGURES,
    rows: [
      ...rows.map(({ values, usage, session }) => {
        const all =
          session === undefined ? values : [session.id, session.project, new Date(session.lastActivityAt).toISOString()]
        return {
          names: all.flatMap((value, i) =>
            columns[i] === 'project' ? [value, projectPaths.get(value) ?? ''] : [value],
          ),
          figures: figuresOf(usage),
        }
      }),
      ...(withSum ? [sum] : []),
    ],
  }
}

/** A cost that is not known is empty. */
export function figuresOf({ tokens, recordCount, costUsd }: Usage): string[] {
  const { input, output, cacheCreation, cacheRead, total } = tokens
  return [...[input, output, cacheCreation, cacheRead, total, recordCount].map(String), costUsd?.toFixed(6) ?? '']
}
