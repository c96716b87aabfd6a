/** The largest count that one field of one token record may have: one trillion. The same for every way in. */
export const MAX_TOKENS = 1_000_000_000_000

const SESSION_ID = /^[a-zA-Z0-9_-]{1,100}$/

/** Whether a text may be a session id: 1 to 100 of `a-zA-Z0-9_-`. The same for every way in. */
export function isSessionId(text: string): boolean {
  return SESSION_ID.test(text)
}
