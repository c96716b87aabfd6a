/** What somebody may see, or write: a record is within a scope if every list that is there names its value. */
export interface Scope {
  users?: readonly string[] | undefined
  projects?: readonly string[] | undefined
  hosts?: readonly string[] | undefined
}

/** The lists of a scope, each with the field of a record whose values it names. */
export const SCOPE_FIELDS = { users: 'user', projects: 'project', hosts: 'host' } as const satisfies Record<
  keyof Scope,
  string
>
export type ScopeList = keyof typeof SCOPE_FIELDS
export type ScopeField = (typeof SCOPE_FIELDS)[ScopeList]
export const SCOPE_LISTS = Object.keys(SCOPE_FIELDS) as ScopeList[]

/** Leaves nothing out. */
export const EVERYTHING: readonly Scope[] = [{}]

/** Whether one of the scopes leaves nothing out. */
export function isEverything(scopes: readonly Scope[]): boolean {
  return scopes.some((scope) => SCOPE_LISTS.every((list) => scope[list] === undefined))
}

/** Whether whatever is within the one scope is within the other, too: list by list, so that it can be seen. */
export function isScopeWithin(scope: Scope, other: Scope): boolean {
  return SCOPE_LISTS.every((list) => {
    const allowed = other[list]
    return allowed === undefined || (scope[list]?.every((name) => allowed.includes(name)) ?? false)
  })
}

/** Tells whether a record is within one of the scopes. */
export function withinOneOf(scopes: readonly Scope[]): (record: Readonly<Record<ScopeField, string>>) => boolean {
  if (isEverything(scopes)) return () => true
  const sets = scopes.map((scope) =>
    SCOPE_LISTS.flatMap((list) => {
      const names = scope[list]
      return names === undefined ? [] : [{ field: SCOPE_FIELDS[list], names: new Set(names) }]
    }),
  )
  return (record) => sets.some((scope) => scope.every(({ field, names }) => names.has(record[field])))
}

/**
 * Tells by which field a record is outside of all scopes: one that none of them admits, if there is one. `undefined`: it
 * is within.
 */
export function outsideOf(
  scopes: readonly Scope[],
): (record: Readonly<Record<ScopeField, string>>) => ScopeField | undefined {
  const isWithin = withinOneOf(scopes)
  const fields = SCOPE_LISTS.map((list) => ({
    field: SCOPE_FIELDS[list],
    isAdmitted: withinOneOf(scopes.map((scope) => ({ [list]: scope[list] }))),
  }))
  return (record) => {
    if (isWithin(record)) return undefined
    return fields.find(({ isAdmitted }) => !isAdmitted(record))?.field ?? 'user'
  }
}

/**
 * The same scopes in their one form: what lets nothing in, and what is within another one, is left out; names and scopes
 * are in order, each once; what leaves nothing out is `EVERYTHING`.
 */
export function canonicalScopes(scopes: readonly Scope[]): readonly Scope[] {
  if (isEverything(scopes)) return EVERYTHING
  const kept: Scope[] = []
  for (const scope of scopes.map(inOrder)) {
    if (SCOPE_LISTS.some((list) => scope[list]?.length === 0)) continue
    if (kept.some((other) => isScopeWithin(scope, other))) continue
    kept.splice(0, kept.length, ...kept.filter((other) => !isScopeWithin(other, scope)), scope)
  }
  return kept
    .map((scope) => ({ scope, text: JSON.stringify(scope) }))
    .sort((a, b) => (a.text < b.text ? -1 : 1))
    .map(({ scope }) => scope)
}

const inOrder = (scope: Scope): Scope =>
  Object.fromEntries(
    SCOPE_LISTS.flatMap((list) => {
      const names = scope[list]
      return names === undefined ? [] : [[list, [...new Set(names)].sort()]]
    }),
  )
