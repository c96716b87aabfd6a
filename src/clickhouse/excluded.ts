import { randomUUID } from 'node:crypto'
import { IDENTITY_BYTES } from '../domain/identity.ts'
import { uuidOf } from '../domain/record-text.ts'
import type { Database } from './database.ts'
import type { Listed } from './statements/counted-rows.ts'

/** Up to so many are told by a parameter; more go through a table. */
const MAX_INLINE = 500

/** Runs statements that leave identities out (16 bytes each); `undefined` where there are none. */
export const withExcluded = <T>(
  db: Database,
  bytes: Uint8Array,
  run: (excluded: Listed | undefined) => Promise<T>,
): Promise<T> => (bytes.length === 0 ? run(undefined) : withIdentities(db, bytes, run))

/** Runs statements about some identities (16 bytes each). */
export async function withIdentities<T>(
  db: Database,
  bytes: Uint8Array,
  run: (some: Listed) => Promise<T>,
): Promise<T> {
  const identities = identitiesOf(bytes)
  if (identities.length <= MAX_INLINE) return run({ sql: '{identities:Array(UUID)}', params: { identities } })
  return withTable(
    db,
    ['identity UUID'],
    identities.map((identity) => [identity]),
    run,
  )
}

/**
 * Runs statements about some combinations of values, each of which has a text for each of so many columns: the condition
 * `(a, b) IN …` takes what they are told by. `undefined` where there are none.
 */
export async function withCombinations<T>(
  db: Database,
  combinations: readonly (readonly string[])[],
  columns: number,
  run: (some: Listed | undefined) => Promise<T>,
): Promise<T> {
  if (combinations.length === 0) return run(undefined)
  if (combinations.length <= MAX_INLINE) return run(inline('beside', combinations, columns))
  const names = Array.from({ length: columns }, (_, i) => `value_${i} String`)
  return withTable(db, names, combinations, run)
}

/** Combinations as parameters, whose names begin with this one. */
export function inline(name: string, combinations: readonly (readonly string[])[], columns: number): Listed {
  const lists = Array.from({ length: columns }, (_, i) => combinations.map((values) => values[i]))
  const names = lists.map((_, i) => `{${name}_${i}:Array(String)}`)
  return {
    sql: columns === 1 ? (names[0] as string) : `arrayZip(${names.join(', ')})`,
    params: Object.fromEntries(lists.map((list, i) => [`${name}_${i}`, list])),
  }
}

async function withTable<T>(
  db: Database,
  columns: readonly string[],
  rows: readonly (readonly string[])[],
  run: (some: Listed) => Promise<T>,
): Promise<T> {
  // operators have granted tables of this name
  const table = `excluded_${randomUUID().replaceAll('-', '')}`
  const names = columns.map((column) => column.split(' ')[0] as string)
  await db.command('make-excluded', `CREATE TABLE ${table} (${columns.join(', ')}) ENGINE = Memory`)
  try {
    await db.insert('fill-excluded', table, names, rows as string[][])
    return await run({ sql: `(SELECT ${names.join(', ')} FROM ${table})`, params: {} })
  } finally {
    await db.command('drop-excluded', `DROP TABLE IF EXISTS ${table} SYNC`, {}, { repeatable: true })
  }
}

function identitiesOf(bytes: Uint8Array): string[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Array.from({ length: buffer.length / IDENTITY_BYTES }, (_, i) =>
    uuidOf(buffer.toString('hex', i * IDENTITY_BYTES, (i + 1) * IDENTITY_BYTES)),
  )
}
