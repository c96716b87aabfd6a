/**
 * What a user may do: viewer reads; ingester ingests; operator runs migrations and sees operations; scraper reads
 * `/metrics` and nothing else.
 */
export const ROLES = ['viewer', 'ingester', 'operator', 'scraper'] as const
export type Role = (typeof ROLES)[number]

/** Who asks. */
export interface Principal {
  userId: string
  roles: readonly Role[]
}

/** Whether somebody may read `/metrics` and nothing else. */
export function isScraper({ roles }: Principal): boolean {
  return roles.length > 0 && roles.every((role) => role === 'scraper')
}

export function isRole(text: unknown): text is Role {
  return ROLES.includes(text as Role)
}
