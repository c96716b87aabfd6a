import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import type { Database } from './database.ts'
import { StatementError } from './statement-error.ts'

/** A numbered file of DDL: applied once, never edited afterwards. */
export interface SchemaChange {
  number: number
  name: string
  sql: string
}

const FOLDER = fileURLToPath(new URL('../../schema/clickhouse', import.meta.url))
const FILE = /^(\d{4})-([\w-]+)\.sql$/

const APPLIED = {
  name: 'applied-schema-changes' as const,
  sql: 'SELECT number, name, checksum FROM schema_changes FINAL ORDER BY number',
  row: z.object({ number: z.number(), name: z.string(), checksum: z.string() }),
}

/** The files of `schema/clickhouse/`, in the order of their numbers. */
export function readSchemaChanges(folder = FOLDER): SchemaChange[] {
  const changes = readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .map((file): SchemaChange => {
      const match = FILE.exec(file)
      if (match === null) throw new Error(`schema/clickhouse/${file} must be named 0001-what.sql`)
      return { number: Number(match[1]), name: match[2] as string, sql: readFileSync(`${folder}/${file}`, 'utf8') }
    })
    .sort((a, b) => a.number - b.number)
  changes.forEach(({ number, name }, i) => {
    if (number !== i + 1) throw new Error(`schema/clickhouse: ${number} (${name}) should have the number ${i + 1}`)
  })
  return changes
}

/**
 * Applies what is new, in order. Refuses a database whose applied changes are not these, by checksum, or
 * that has more of them: a later release wrote it. A change that was cut off halfway is finished.
 */
export async function applySchemaChanges(db: Database, changes = readSchemaChanges()): Promise<number> {
  const applied = await appliedChanges(db)
  for (const { number, name, checksum } of applied) {
    const known = changes[number - 1]
    if (known === undefined)
      throw new Error(`the database has schema change ${number} (${name}), which this release does not know`)
    if (checksumOf(known) !== checksum)
      throw new Error(`schema change ${number} (${known.name}) was edited after it was applied: add a new one instead`)
  }
  const fresh = changes.slice(applied.length)
  // nothing else is changed where nothing is new: most users of the database may not
  if (fresh.length > 0) await apply(db, fresh)
  return fresh.length
}

const UNKNOWN_TABLE = 60

/** None where nothing was ever applied. */
async function appliedChanges(db: Database): Promise<{ number: number; name: string; checksum: string }[]> {
  try {
    return await db.query(APPLIED)
  } catch (error) {
    if (error instanceof StatementError && error.code === UNKNOWN_TABLE) return []
    throw error
  }
}

async function apply(db: Database, fresh: readonly SchemaChange[]): Promise<void> {
  await db.command(
    'create-schema-changes',
    `CREATE TABLE IF NOT EXISTS schema_changes
     (number UInt32, name String, checksum String, applied DateTime64(3, 'UTC') DEFAULT now64(3))
     ENGINE = ReplacingMergeTree(applied) ORDER BY number
     SETTINGS fsync_after_insert = 1, fsync_part_directory = 1`,
  )
  const applied: SchemaChange[] = []
  try {
    for (const change of fresh) {
      for (const statement of statementsOf(change)) await db.command(`schema-change-${change.number}`, statement)
      applied.push(change)
    }
  } finally {
    // all at once, since a statement for each took a third of what a new database takes; where it is cut off before, all
    // of them are applied again
    const rows = applied.map((change) => [change.number, change.name, checksumOf(change)])
    if (rows.length > 0) await db.insert('note-schema-changes', 'schema_changes', ['number', 'name', 'checksum'], rows)
  }
}

const checksumOf = ({ sql }: SchemaChange): string => createHash('sha256').update(sql).digest('hex')

/** Statements end with a semicolon at the end of a line. `CREATE TABLE` is repeatable, for one that was cut off. */
function statementsOf({ sql }: SchemaChange): string[] {
  return sql
    .replaceAll(/^--.*\n/gm, '')
    .split(/;\s*$/m)
    .map((statement) => statement.trim().replace(/^CREATE TABLE (?!IF NOT EXISTS)/, 'CREATE TABLE IF NOT EXISTS '))
    .filter((statement) => statement !== '')
}
