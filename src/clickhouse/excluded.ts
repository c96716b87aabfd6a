import { randomUUID } from 'node:crypto'
import { IDENTITY_BYTES } from '../domain/identity.ts'
import { uuidOf } from '../domain/record-text.ts'
import type { Database } from './database.ts'
import type { Excluded } from './statements/answer.ts'

/** Up to so many identities are left out by a parameter; more go through a table. */
const MAX_INLINE = 500

/** Runs statements that leave identities out (16 bytes each); `undefined` where there are none. */
export async function withExcluded<T>(
  db: Database,
  bytes: Uint8Array,
  run: (excluded: Excluded | undefined) => Promise<T>,
): Promise<T> {
  if (bytes.length === 0) return run(undefined)
  const identities = identitiesOf(bytes)
  if (identities.length <= MAX_INLINE) return run({ sql: '{excluded:Array(UUID)}', params: { excluded: identities } })
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
