import { type Authenticate, createAuthenticator } from '../access/authenticator.ts'
import { createKeySet } from '../access/key-sets.ts'
import type { Principal } from '../access/roles.ts'
import { loadJwtSecrets } from '../access/secret.ts'
import { signToken } from '../access/tokens.ts'
import type { Config } from '../config.ts'
import type { Component } from '../graphql/context.ts'
import type { Logger } from '../observability/logger.ts'

/** What tells who asks. */
export interface AccessSide {
  authenticate: Authenticate
  /** A bearer token; `undefined` where tokens are signed elsewhere alone. */
  sign(principal: Principal, ttlSeconds: number): Promise<string> | undefined
  health(): Omit<Component, 'name'>
}

export function openAccessSide({ auth, dataDir }: Config, logger: Logger): AccessSide {
  const secrets = loadJwtSecrets(auth, dataDir)
  const keySets = auth.jwksUrls.map((url) =>
    createKeySet(url, (problem) => {
      if (problem === undefined) logger.info({ url }, 'the keys of tokens are there again')
      else logger.warn({ problem }, 'the keys of tokens cannot be fetched')
    }),
  )
  const [own] = secrets
  return {
    authenticate: createAuthenticator({ secrets, keySets, issuers: auth.issuers, audience: auth.audience }),
    sign: (principal, ttlSeconds) => (own === undefined ? undefined : signToken(own, principal, ttlSeconds, auth)),
    health() {
      const problems = keySets.flatMap((set) => set.problem() ?? [])
      if (problems.length > 0) return { state: 'DEGRADED', detail: problems.join('; ') }
      return { state: 'UP', detail: `${secrets.length} secrets, ${keySets.length} sets of keys` }
    },
  }
}
