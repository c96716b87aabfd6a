import { createHmac } from 'node:crypto'
import { z } from 'zod'
import { toPlainText } from '../domain/plain-text.ts'
import { type AuditEntry, type AuditEvent, MAX_DETAIL } from '../ports/audit.ts'

// An entry is one line of JSON that anybody can read. Its last member is an HMAC over all bytes before it: whoever has no
// key cannot change a line, whatever became of those around it. The member before that one is the beginning of the HMAC of
// the line before: so nobody can take out, move or add a line either.

/** Before the first entry. */
export const NO_HMAC = '0'.repeat(64)

/** At most so many UTF-16 units of each. */
const LENGTHS = { who: 200, action: 200, outcome: 100, detail: MAX_DETAIL, from: 100, request: 100 } as const
const TEXTS = Object.keys(LENGTHS) as (keyof typeof LENGTHS)[]
/** No line has more bytes: JSON makes at most six of a unit. */
export const MAX_LINE_BYTES = 8 << 10

/** So many hexadecimal digits name the line before. */
const AFTER_LENGTH = 32
const SUFFIX = /^,"hmac":"([0-9a-f]{64})"\}$/
const SUFFIX_BYTES = ',"hmac":""}'.length + NO_HMAC.length

const text = z.string().nullable().default(null)
const ENTRY = z.object({
  position: z.number().int().nonnegative(),
  at: z.iso.datetime().transform(Date.parse),
  who: text,
  action: z.string(),
  outcome: z.string(),
  detail: text,
  from: text,
  request: text,
  count: z.number().int().positive().default(1),
  after: z
    .string()
    .regex(new RegExp(`^[0-9a-f]{${AFTER_LENGTH}}$`))
    .optional(),
})

/** Where the chain is: the entry that comes next follows this one. */
export interface Link {
  position: number
  hmac: string
}

/** A line, as it was found. */
export interface Line {
  /** All bytes that its HMAC is over. */
  body: Buffer
  hmac: string
  /** Names the line before; `undefined` in lines of releases whose HMAC was over that of the line before as well. */
  after: string | undefined
  entry: AuditEntry
}

/** What the HMAC of a line says: nothing of a line of an earlier release, where the line before is gone. */
export type Proof = 'follows' | 'stands elsewhere' | 'changed' | 'unknown'

export interface PlacedEvent extends AuditEvent {
  /** Milliseconds since 1970. */
  at: number
  count: number
}

/** What becomes of a detail in an entry. */
export const detailText = (text: string): string => toPlainText(text, LENGTHS.detail)

/** The line, with its end, that says this after that one; and where the chain is then. */
export function encodeLine(key: Buffer, after: Link, event: PlacedEvent): { line: Buffer; link: Link } {
  const { at, count, ...texts } = event
  const position = after.position + 1
  const plain = Object.fromEntries(
    TEXTS.map((name) => [name, texts[name] === undefined ? undefined : toPlainText(texts[name], LENGTHS[name])]),
  )
  const when = new Date(at).toISOString()
  const more = count === 1 ? undefined : count
  const body = Buffer.from(
    JSON.stringify({ position, at: when, ...plain, count: more, after: nameOf(after) }).slice(0, -1),
  )
  const hmac = hmacOf(key, body)
  return { line: Buffer.concat([body, Buffer.from(`,"hmac":"${hmac}"}\n`)]), link: { position, hmac } }
}

const nameOf = ({ hmac }: Pick<Link, 'hmac'>): string => hmac.slice(0, AFTER_LENGTH)

const hmacOf = (key: Buffer, ...parts: readonly (Buffer | string)[]): string =>
  parts.reduce((hmac, part) => hmac.update(part), createHmac('sha256', key)).digest('hex')

/** `before`: the HMAC of the line before it, where that is known. */
export function proofOf(key: Buffer, { body, hmac, after }: Line, before: string | undefined): Proof {
  if (after === undefined) {
    if (before === undefined) return 'unknown'
    return hmacOf(key, before, body) === hmac ? 'follows' : 'changed'
  }
  if (hmacOf(key, body) !== hmac) return 'changed'
  return before !== undefined && nameOf({ hmac: before }) === after ? 'follows' : 'stands elsewhere'
}

/** A line without its end; `undefined` where it is none. */
export function parseLine(bytes: Buffer): Line | undefined {
  const at = bytes.length - SUFFIX_BYTES
  const hmac = at < 0 ? undefined : SUFFIX.exec(bytes.toString('latin1', at))?.[1]
  if (hmac === undefined) return undefined
  const body = bytes.subarray(0, at)
  try {
    const { after, ...entry } = ENTRY.parse(JSON.parse(`${body.toString('utf8')}}`))
    return { body, hmac, after, entry }
  } catch {
    return undefined
  }
}
