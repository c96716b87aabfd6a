/** What a user may do: viewer reads; ingester ingests; operator runs migrations and sees operations. */
export const ROLES = ['viewer', 'ingester', 'operator'] as const
export type Role = (typeof ROLES)[number]

/** Who asks. */
export interface Principal {
  userId: string
  roles: readonly Role[]
}

export function isRole(text: unknown): text is Role {
  return ROLES.includes(text as Role)
}
