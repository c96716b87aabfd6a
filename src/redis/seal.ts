import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'

/** Shows that a value was kept under its key by somebody who has one of our secrets. */
export interface Seal {
  seal(key: string, value: string): string
  /** The value; `undefined` where it is nobody's of ours, or was kept under another key. */
  open(key: string, sealed: string): string | undefined
}

/** Of an HMAC-SHA256 in base64url. */
const LENGTH = 43
const PURPOSE = 'token-bridge: answers in Redis'

/**
 * The first of the secrets seals, all of them open, so that they rotate without a loss. Whoever has none in common shares
 * nothing. A value cannot be put under another key: it would be what somebody else may see.
 */
export function createSeal(secrets: readonly Uint8Array[]): Seal {
  // what is told of one use of a secret tells nothing of another
  const keys = secrets.map((secret) => Buffer.from(hkdfSync('sha256', secret, '', PURPOSE, 32)))
  const macOf = (secret: Buffer, key: string, value: string): string =>
    createHmac('sha256', secret)
      .update(`${Buffer.byteLength(key)}:${key}`)
      .update(value)
      .digest('base64url')
  return {
    seal(key, value) {
      const [first] = keys
      if (first === undefined) throw new Error('there is no secret to seal by')
      return macOf(first, key, value) + value
    },
    open(key, sealed) {
      const [mac, value] = [Buffer.from(sealed.slice(0, LENGTH)), sealed.slice(LENGTH)]
      const isOurs = keys.some((secret) => {
        const wanted = Buffer.from(macOf(secret, key, value))
        return wanted.length === mac.length && timingSafeEqual(wanted, mac)
      })
      return isOurs ? value : undefined
    },
  }
}
