import { randomUUID } from 'node:crypto'
import { IDENTITY_BYTES } from '../domain/identity.ts'
import { uuidOf } from '../domain/record-text.ts'
import type { Database } from './database.ts'
import type { Identities } from './statements/counted-rows.ts'

/** Up to so many identities are told by a parameter; more go through a table. */
const MAX_INLINE = 500

/** Runs statements that leave identities out (16 bytes each); `undefined` where there are none. */
export const withExcluded = <T>(
  db: Database,
  bytes: Uint8Array,
  run: (excluded: Identities | undefined) => Promise<T>,
): Promise<T> => (bytes.length === 0 ? run(undefined) : withIdentities(db, bytes, run))

/** Runs statements about some identities (16 bytes each). */
export async function withIdentities<T>(
  db: Database,
  bytes: Uint8Array,
  run: (some: Identities) => Promise<T>,
): Promise<T> {
  const identities = identitiesOf(bytes)
  if (identities.length <= MAX_INLINE) return run({ sql: '{identities:Array(UUID)}', params: { identities } })
  // operators have granted tables of this name
  const table = `excluded_${randomUUID().replaceAll('-', '')}`
  await db.command('make-excluded', `CREATE TABLE ${table} (identity UUID) ENGINE = Memory`)
  try {
    const rows = identities.map((identity) => [identity])
    await db.insert('fill-excluded', table, ['identity'], rows)
    return await run({ sql: `(SELECT identity FROM ${table})`, params: {} })
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
