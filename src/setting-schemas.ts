import { z } from 'zod'
import { KEY_FORM, parseKeys } from './domain/key-text.ts'
import { isLoopback } from './domain/loopback.ts'

// How the texts of settings are read: each schema tells what is wrong with the setting of a name.

/** Any text. */
export const text = z.string().optional()

/** The row of a setting that names the file in which a secret stands. */
export const inFile = (name: string) => ({
  schema: text,
  fallback: 'none',
  about: `file that holds \`${name}\` instead`,
})

/** A text of a form. */
export const matching = (form: RegExp, message: string) =>
  z
    .string()
    .optional()
    .refine((value) => value === undefined || form.test(value), { message })

/** One of some texts. */
export const oneOf = <Value extends string>(name: string, values: readonly Value[], fallback: Value) =>
  z
    .string()
    .optional()
    .transform((text, context) => {
      const known = values.find((value) => value === (text ?? fallback))
      if (known !== undefined) return known
      context.addIssue({ code: 'custom', message: `${name} must be one of ${values.join(', ')}, not "${text}"` })
      return z.NEVER
    })

/** A whole number, both ends included. */
export const whole = <Fallback extends number | undefined>(
  name: string,
  min: number,
  max: number,
  fallback: Fallback,
) =>
  z
    .string()
    .optional()
    .transform((text, context): number | Fallback => {
      if (text === undefined) return fallback
      const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
      if (value >= min && value <= max) return value
      context.addIssue({
        code: 'custom',
        message: `${name} must be a whole number from ${min} to ${max}, not "${text}"`,
      })
      return z.NEVER
    })

/** A number from 0 to 1. */
export const share = (name: string, fallback: number) =>
  z
    .string()
    .optional()
    .transform((value, context) => {
      if (value === undefined) return fallback
      const number = /^(0|1|0?\.\d+|[01]\.\d+)$/.test(value) ? Number(value) : Number.NaN
      if (number >= 0 && number <= 1) return number
      context.addIssue({ code: 'custom', message: `${name} must be a number from 0 to 1, not "${value}"` })
      return z.NEVER
    })

/** Addresses and networks; a network of all addresses would let everybody choose an address. */
export const networks = (name: string) =>
  z
    .string()
    .optional()
    .transform((value, context) => {
      const parts = value === undefined ? [] : value.split(',').map((part) => part.trim())
      const known = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()])
      const wrong = parts.find((part) => part.endsWith('/0') || !known.safeParse(part).success)
      if (wrong === undefined) return parts
      context.addIssue({
        code: 'custom',
        message: `${name} must be addresses and networks such as 10.0.0.0/8, comma-separated, not "${wrong}"`,
      })
      return z.NEVER
    })

/** Addresses are told in the log and by health, so nothing secret may stand in one. */
const hasLogin = (url: string): boolean => {
  const parsed = URL.parse(url)
  return parsed !== null && (parsed.username !== '' || parsed.password !== '')
}

export const httpUrl = (name: string) =>
  z
    .string()
    .optional()
    .refine((url) => url === undefined || (/^https?:\/\/\S+$/.test(url) && URL.canParse(url)), {
      message: `${name} must begin with http:// or https://`,
    })
    .refine((url) => url === undefined || !hasLogin(url), {
      message: `${name} must have no user and no password in it: they have settings of their own`,
    })

/** Several values, comma-separated; `read` gives what a part comes to, or `undefined` where it is none. */
const several = <Value>(read: (part: string) => Value | undefined, mistake: (part: string) => string) =>
  z
    .string()
    .optional()
    .transform((value, context) => {
      const values: Value[] = []
      for (const part of value === undefined ? [] : value.split(',').map((one) => one.trim())) {
        const known = read(part)
        if (known === undefined) context.addIssue({ code: 'custom', message: mistake(part) })
        else values.push(known)
      }
      return values
    })

/** Texts, none of them empty. */
export const texts = (name: string) =>
  several(
    (part) => (part === '' ? undefined : part),
    () => `${name} must be texts, comma-separated, none of them empty`,
  )

/** Names and addresses without a port, as they stand in a URL. */
export const hosts = (name: string) =>
  several(
    (part) => (/^[^\s/?#@\\:*]+$|^\[[\da-f:.]+\]$/i.test(part) ? URL.parse(`http://${part}`)?.hostname : undefined),
    (part) => `${name} must be names or addresses without a port, comma-separated, not "${part}"`,
  )

/** Origins of pages. */
export const origins = (name: string) =>
  several(
    (part) => (/^https?:\/\/[^/?#@\s]+$/i.test(part) ? URL.parse(part)?.origin : undefined),
    (part) => `${name} must be origins such as https://dashboard.example, comma-separated, not "${part}"`,
  )

/** Addresses whose answers cannot be forged on the way: https, or this machine. */
export const verifiedUrls = (name: string) =>
  several(
    (part) => {
      const url = hasLogin(part) ? null : URL.parse(part)
      return url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname)) ? part : undefined
    },
    (part) =>
      `${name} must begin with https:// (http:// on this machine alone)${hasLogin(part) ? ', without a user and a password' : `, not "${part}"`}`,
  )

/** As few bytes as a secret may have that tokens are signed with. */
const MIN_SECRET_BYTES = 32

const isLong = (secret: string): boolean => Buffer.byteLength(secret) >= MIN_SECRET_BYTES

/**
 * Secrets of at least 32 bytes, comma-separated. A comma that leaves a shorter part belongs to the secret. The whole is
 * one of them in any case: tokens from before it was a list stay good.
 */
export const secrets = (name: string) =>
  z
    .string()
    .optional()
    .transform((value, context) => {
      if (value === undefined) return []
      if (isLong(value)) return [...new Set([...secretsIn(value), value])]
      context.addIssue({ code: 'custom', message: `${name} must have at least ${MIN_SECRET_BYTES} bytes` })
      return z.NEVER
    })

function secretsIn(list: string): string[] {
  const found: string[] = []
  let short = ''
  for (const part of list.split(',')) {
    const text = short === '' ? part : `${short},${part}`
    if (isLong(text.trim())) found.push(text)
    short = isLong(text.trim()) ? '' : text
  }
  if (short !== '') found.push(`${found.pop() ?? ''},${short}`)
  return found.map((secret) => secret.trim())
}

/** A key. What was given instead is never shown: it may be most of one. */
export const keys = (name: string) =>
  z
    .string()
    .optional()
    .transform((value, context) => {
      const given = value === undefined ? undefined : parseKeys(value)
      if (value === undefined || given !== undefined) return given
      context.addIssue({ code: 'custom', message: `${name} must be ${KEY_FORM}` })
      return z.NEVER
    })
