import { z } from 'zod'
import { KEY_FORM, parseKey } from './domain/key-text.ts'

// How the texts of settings are read: each schema tells what is wrong with the setting of a name.

/** Any text. */
export const text = z.string().optional()

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
export const whole = (name: string, min: number, max: number, fallback: number) =>
  z
    .string()
    .optional()
    .transform((text, context) => {
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

export const httpUrl = (name: string) =>
  z
    .string()
    .optional()
    .refine((url) => url === undefined || (/^https?:\/\/\S+$/.test(url) && URL.canParse(url)), {
      message: `${name} must begin with http:// or https://`,
    })

/** A text of at least so many bytes, which is never shown. */
export const secret = (name: string, minBytes: number) =>
  z
    .string()
    .optional()
    .refine((value) => value === undefined || Buffer.byteLength(value) >= minBytes, {
      message: `${name} must have at least ${minBytes} bytes`,
    })

/** A key. What was given instead is never shown: it may be most of one. */
export const key = (name: string) =>
  z
    .string()
    .optional()
    .transform((value, context) => {
      const bytes = value === undefined ? undefined : parseKey(value)
      if (value === undefined || bytes !== undefined) return bytes
      context.addIssue({ code: 'custom', message: `${name} must be ${KEY_FORM}` })
      return z.NEVER
    })
