import type { ClickHouseUser } from './clickhouse-server.ts'

const CREATE = /^CREATE USER (\w+) IDENTIFIED WITH sha256_password BY '((?:[^'\\]|'')*)' HOST ANY$/
const GRANT = /^(GRANT .+) TO (\w+)$/s

/**
 * The users that statements make, such as those of docs/clickhouse-users.sql: `CREATE USER`, and what is granted to them
 * afterwards. The library has no storage that a server could write users to, so they are made at its start. Throws where
 * something else is in it; what is wrong is never shown, as it may hold a password.
 */
export function usersIn(sql: string): ClickHouseUser[] {
  const users = new Map<string, { name: string; password: string; grants: string[] }>()
  for (const [i, statement] of statementsIn(sql).entries()) {
    const [, name, password] = CREATE.exec(statement) ?? []
    const [, grant, to = ''] = GRANT.exec(statement) ?? []
    const user = users.get(to)
    if (name !== undefined && password !== undefined)
      users.set(name, { name, password: password.replaceAll("''", "'"), grants: [] })
    else if (grant !== undefined && user !== undefined) user.grants.push(grant)
    else
      throw new Error(
        `statement ${i + 1} is none of those that make users: CREATE USER name IDENTIFIED WITH sha256_password BY '…' HOST ANY, GRANT rights TO name`,
      )
  }
  return [...users.values()]
}

/** Each ends with a semicolon at the end of a line. */
export const statementsIn = (sql: string): string[] =>
  sql
    .replaceAll(/^\s*--.*$/gm, '')
    .split(/;[ \t]*$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '')
