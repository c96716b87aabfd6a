import { openDatabase } from './database.ts'

/** Server, and the user whose access to it is meant. */
export interface RevokedUser {
  url: string
  user: string
  password: string
  database: string
}

const quoted = (name: string): string => `\`${name.replaceAll(/[\\`]/g, '\\$&')}\``

/** What takes all access from the user. */
export const revokingSql = ({ user }: Pick<RevokedUser, 'user'>): string => `ALTER USER ${quoted(user)} HOST NONE`

/**
 * Takes the user's own access away. Returns whether that was allowed: a user of a configuration file never may, one that
 * was made by SQL needs `ALTER USER`, or its grants with grant option.
 */
export async function revokeOwnAccess(server: RevokedUser): Promise<boolean> {
  const db = await openDatabase({ ...server, folder: '' })
  try {
    await db
      .command('revoke-own-access', revokingSql(server))
      .catch(() => db.command('revoke-own-grants', `REVOKE ALL ON ${server.database}.* FROM ${quoted(server.user)}`))
    return true
  } catch {
    return false
  } finally {
    await db.close().catch(() => undefined)
  }
}
