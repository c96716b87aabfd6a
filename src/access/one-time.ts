import { randomBytes, timingSafeEqual } from 'node:crypto'

/** A token that lets somebody in once. */
export interface OneTime {
  token: string
  /** Whether it is the token, and was not taken before. */
  take(text: string): boolean
}

export function createOneTime(): OneTime {
  const token = randomBytes(32).toString('base64url')
  let isLeft = true
  return {
    token,
    take(text) {
      const [given, wanted] = [Buffer.from(text), Buffer.from(token)]
      if (!isLeft || given.length !== wanted.length || !timingSafeEqual(given, wanted)) return false
      isLeft = false
      return true
    },
  }
}
