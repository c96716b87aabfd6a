import type { Scope } from '../domain/scope.ts'

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
  /** What they see, and an ingester writes, is within one of these. */
  access: readonly Scope[]
}

/** Whom a token is signed for: who sees everything needs no scopes in it. */
export interface TokenHolder extends Omit<Principal, 'access'> {
  access?: readonly Scope[] | undefined
}

/** Whether somebody may read `/metrics` and nothing else. */
export function isScraper({ roles }: Principal): boolean {
  return roles.length > 0 && roles.every((role) => role === 'scraper')
}

export function isRole(text: unknown): text is Role {
  return ROLES.includes(text as Role)
}
