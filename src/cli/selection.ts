import { basename, resolve } from 'node:path'
import { groupingOf } from '../domain/breakdown.ts'
import { DIMENSION_NAMES, DIMENSIONS, type Dimension, valuesOf } from '../domain/dimensions.ts'
import { groupsOf, type TokenFilter } from '../domain/token-query.ts'
import type { Analysis } from '../enhanced-analysis/analysis.ts'
import { formatOf } from '../transcripts/format-of.ts'
import type { Root } from '../transcripts/roots.ts'
import { nearText } from './near-values.ts'
import { UsageError } from './usage-error.ts'

/** An option of a dimension has its name, and all values that were given. */
export type Asked = Record<Dimension, readonly string[]>

/** Refuses values of a dimension that has only some. */
export function checkAsked(asked: Asked): void {
  for (const name of DIMENSION_NAMES) {
    const wrong = asked[name].find((value) => valuesOf(name)?.some((known) => known === value) === false)
    if (wrong !== undefined) throw new UsageError(`--${name} must be true or false, not "${wrong}"`)
  }
}

/**
 * The members of a filter that select what was asked for. A project may be asked for by its path, a model by the
 * beginning of its name. Throws a `UsageError`, with what is near, for a value that nothing in the corpus has.
 */
export function selectionOf(asked: Asked, analysis: Analysis, roots: readonly Root[], home: string): TokenFilter {
  const filter: TokenFilter = {}
  for (const name of DIMENSION_NAMES) {
    if (asked[name].length === 0) continue
    if (valuesOf(name) !== undefined) filter[DIMENSIONS[name].filter] = asked[name]
    else {
      const known = knownValues(name, analysis)
      const selected = asked[name].flatMap((value) => matching(name, value, known, { analysis, roots, home }))
      filter[DIMENSIONS[name].filter] = [...new Set(selected)]
    }
  }
  return filter
}

interface World {
  analysis: Analysis
  roots: readonly Root[]
  home: string
}

function knownValues(name: Dimension, analysis: Analysis): string[] {
  const grouping = groupingOf({ by: [name], buckets: undefined })
  const [answer] = analysis.answer([{ filter: {}, groupings: [grouping] }])
  if (answer === undefined) return []
  if (name === 'model') return [...new Set(answer.whole.map(({ model }) => model))]
  return groupsOf(answer, grouping).map(({ values: [value = ''] }) => value)
}

function matching(name: Dimension, value: string, known: readonly string[], world: World): readonly string[] {
  if (known.includes(value)) return [value]
  const found =
    name === 'model'
      ? known.filter((model) => value !== '' && model.startsWith(value))
      : name === 'project'
        ? projectsAt(value, known, world)
        : []
  if (found.length > 0) return found
  // what nobody has a value of is no mistake of whoever asks
  if (known.length === 0) return [value]
  throw new UsageError(`no ${name} "${value}"${near(name, value, known, world)}`)
}

/** Projects are called by the paths of their folders; which way differs from agent to agent. */
function projectsAt(value: string, known: readonly string[], { roots, home }: World): string[] {
  if (!/[/~.]/.test(value)) return []
  const path = resolve(value === '~' || value.startsWith('~/') ? `${home}${value.slice(1)}` : value)
  const names = new Set(roots.map((root) => formatOf(root).projectAt(path)))
  return known.filter((project) => names.has(project))
}

function near(name: Dimension, value: string, known: readonly string[], { analysis }: World): string {
  if (name !== 'project') return nearText(value, known)
  const paths = analysis.projectPaths(new Set(known))
  // the last folder of a path says what is meant
  const folder = basename(value) || value
  return nearText(
    folder,
    known.map((project) => paths.get(project) ?? project),
  )
}
