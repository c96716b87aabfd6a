/** What somebody may see, or write: a record is within a scope if every list that is there names its value. */
export interface Scope {
  users?: readonly string[] | undefined
  projects?: readonly string[] | undefined
  hosts?: readonly string[] | undefined
}

/** Leaves nothing out. */
export const EVERYTHING: readonly Scope[] = [{}]

/** Whether one of the scopes leaves nothing out. */
export function isEverything(scopes: readonly Scope[]): boolean {
  return scopes.some(
    ({ users, projects, hosts }) => users === undefined && projects === undefined && hosts === undefined,
  )
}
