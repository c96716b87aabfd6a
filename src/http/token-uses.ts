import type { SignedIn } from '../access/authenticator.ts'
import type { Audit } from '../ports/audit.ts'

/** A token that is used on is noted again after so long. */
const AGAIN_MS = 10 * 60_000

/** Notes the first use of a token, its first one from another address, and one every ten minutes. */
export function createTokenUses(audit: Pick<Audit, 'count'>): (signedIn: SignedIn, from: string) => void {
  const seen = new WeakMap<SignedIn['token'], { from: string; until: number }>()
  return ({ principal: { userId: who }, token }, from) => {
    const known = seen.get(token)
    const now = Date.now()
    if (known !== undefined && known.from === from && now < known.until) return
    seen.set(token, { from, until: now + AGAIN_MS })
    const detail = token.id === undefined ? `issued=${new Date(token.issuedAt).toISOString()}` : `id=${token.id}`
    audit.count({ who, action: 'token used', outcome: 'ok', detail, from })
  }
}
