import { IDENTITY_BYTES } from '../domain/identity.ts'
import { uuidOf } from '../domain/record-text.ts'
import type { Params } from './database.ts'
import type { Listed } from './statements/counted-rows.ts'

// Sets that a statement names: by parameters, so that nothing is made in the database which a kill or a full disk leaves
// there, and whoever only reads needs no right to make anything (ADR 54).

/** Up to so many are a list in one parameter; more are packed: a list is planned with each of its values. */
const MAX_INLINE = 500
/** Of one parameter. A server takes 128 KiB of a field (`http_max_field_value_size`). */
const PIECE_LETTERS = 120_000

/** Identities that a statement leaves out (16 bytes each); `undefined` where there are none. */
export const excludedBy = (bytes: Uint8Array): Listed | undefined =>
  bytes.length === 0 ? undefined : identitiesIn(bytes)

/** Some identities (16 bytes each): `identity IN …` takes what they are told by. */
export function identitiesIn(bytes: Uint8Array): Listed {
  const count = bytes.length / IDENTITY_BYTES
  if (count <= MAX_INLINE) return { sql: '{identities:Array(UUID)}', params: { identities: textsOf(bytes, count) } }
  // ClickHouse has the two halves of a UUID with their bytes the other way round
  const { sql, params } = packed('identities', Buffer.from(bytes).swap64())
  const one = `reinterpretAsUUID(substring(packed, ${IDENTITY_BYTES} * number + 1, ${IDENTITY_BYTES}))`
  return { sql: `(WITH ${sql} AS packed SELECT ${one} FROM numbers(${count}))`, params }
}

/**
 * Some combinations of values, each of which has a text for each of so many columns: the condition `(a, b) IN …` takes
 * what they are told by. The names of their parameters begin with `name`.
 */
export function combinationsIn(name: string, combinations: readonly (readonly string[])[], columns: number): Listed {
  if (combinations.length <= MAX_INLINE) return inline(name, combinations, columns)
  const { sql, params } = packed(name, Buffer.from(JSON.stringify(combinations)))
  const told = Array.from({ length: columns }, (_, i) => `told[${i + 1}]`)
  const all = `SELECT arrayJoin(JSONExtract(${sql}, 'Array(Array(String))')) AS told`
  return { sql: `(SELECT ${told.join(', ')} FROM (${all}))`, params }
}

function inline(name: string, combinations: readonly (readonly string[])[], columns: number): Listed {
  const lists = Array.from({ length: columns }, (_, i) => combinations.map((values) => values[i]))
  const names = lists.map((_, i) => `{${name}_${i}:Array(String)}`)
  return {
    sql: columns === 1 ? (names[0] as string) : `arrayZip(${names.join(', ')})`,
    params: Object.fromEntries(lists.map((list, i) => [`${name}_${i}`, list])),
  }
}

/** Bytes as parameters, and the expression that has them. */
function packed(name: string, bytes: Buffer): { sql: string; params: Params } {
  const text = bytes.toString('base64')
  const pieces: [string, string][] = []
  for (let at = 0; at < text.length; at += PIECE_LETTERS)
    pieces.push([`${name}_${pieces.length}`, text.slice(at, at + PIECE_LETTERS)])
  const names = pieces.map(([piece]) => `{${piece}:String}`)
  return { sql: `base64Decode(concat('', ${names.join(', ')}))`, params: Object.fromEntries(pieces) }
}

function textsOf(bytes: Uint8Array, count: number): string[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Array.from({ length: count }, (_, i) =>
    uuidOf(buffer.toString('hex', i * IDENTITY_BYTES, (i + 1) * IDENTITY_BYTES)),
  )
}
