import { findProvider, type MatchLogic } from '@pydantic/genai-prices'

/** The ways in which the price list names dates: `-20250929`, and `-2025-09-29`, which it tries, too. */
const COMPACT_DATE = /-(20\d\d)(\d\d)(\d\d)(?=-|:|$)/g

/**
 * Whether some provider may know a model: `false` only where none does. The library compares a name with each of
 * its 1300 patterns, one after the other, which takes 0.1 ms for a name that nobody knows: anybody may send many.
 */
export function createModelPatterns(providerIds: readonly string[]): (model: string) => boolean {
  const equal = new Set<string>()
  const literals: string[] = []
  const patterns: RegExp[] = []
  const add = (match: MatchLogic): void => {
    if ('or' in match) match.or.forEach(add)
    // all of them must hold: the most telling one will do
    else if ('and' in match) add(match.and.toSorted((a, b) => tellingOf(b) - tellingOf(a))[0] as MatchLogic)
    else if ('equals' in match) equal.add(match.equals.toLowerCase())
    else if ('starts_with' in match) literals.push(`^${escaped(match.starts_with.toLowerCase())}`)
    else if ('ends_with' in match) literals.push(`${escaped(match.ends_with.toLowerCase())}$`)
    else if ('contains' in match) literals.push(escaped(match.contains.toLowerCase()))
    else patterns.push(new RegExp(match.regex))
  }
  for (const providerId of withFallbacks(providerIds))
    for (const { match } of findProvider({ providerId })?.models ?? []) add(match)
  const literal = new RegExp(literals.join('|'))
  const matches = (model: string): boolean => {
    const lower = model.toLowerCase()
    return equal.has(lower) || literal.test(lower) || patterns.some((pattern) => pattern.test(model))
  }
  return (name) => {
    const model = name.trim()
    if (matches(model)) return true
    const spelledOut = model.replace(COMPACT_DATE, '-$1-$2-$3')
    return spelledOut !== model && matches(spelledOut)
  }
}

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')

/** How few names a pattern lets through: a regex may be one that only excludes some. */
function tellingOf(match: MatchLogic): number {
  if ('regex' in match) return 0
  return 'or' in match || 'and' in match ? 1 : 2
}

/** Where a provider does not know a model, those that it names are asked. */
function withFallbacks(providerIds: readonly string[]): Set<string> {
  return new Set(
    providerIds.flatMap((id) => [id, ...(findProvider({ providerId: id })?.fallback_model_providers ?? [])]),
  )
}
