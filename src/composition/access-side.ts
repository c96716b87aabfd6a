import { type AccessChanges, createAccessChanges } from '../access/access-changes.ts'
import { type Authenticate, createAuthenticator } from '../access/authenticator.ts'
import { createKeySet } from '../access/key-sets.ts'
import { createKnownTokens, type KnownTokens } from '../access/known-tokens.ts'
import { createOneTime } from '../access/one-time.ts'
import type { TokenHolder } from '../access/roles.ts'
import { signToken, type TokenOptions } from '../access/tokens.ts'
import type { Config } from '../config.ts'
import type { SignIn } from '../http/sign-in.ts'
import type { OpenJournal } from '../journal/journal.ts'
import type { Logger } from '../observability/logger.ts'
import type { SourceHealth } from '../ports/token-source.ts'
import type { StateSide } from './shared-state.ts'
import type { WayIn } from './way-in.ts'

/** What tells who asks, and may take that away. */
export interface AccessSide {
  authenticate: Authenticate
  known: KnownTokens
  changes: AccessChanges
  /** What lets a browser in, and the token of its address; `undefined` in production, and where nobody here signs. */
  signIn: (SignIn & { token: string }) | undefined
  /** A bearer token; `undefined` where tokens are signed elsewhere alone. */
  sign(principal: TokenHolder, ttlSeconds: number): Promise<string> | undefined
  health(): SourceHealth
}

export interface AccessSideOptions {
  config: Config
  /** The first signs; there may be none. */
  secrets: readonly Uint8Array[]
  wayIn: WayIn
  state: Pick<StateSide, 'events'>
  logger: Logger
}

/** Others write at any time; where nothing was read for so long, what they revoke is not heard. */
const DEAF_MS = 5000

export function openAccessSide({ config, secrets, wayIn, state, logger }: AccessSideOptions): AccessSide {
  const { auth } = config
  const keySets = auth.jwksUrls.map((url) =>
    createKeySet(url, (problem) => {
      if (problem === undefined) logger.info({ url }, 'the keys of tokens are there again')
      else logger.warn({ problem }, 'the keys of tokens cannot be fetched')
    }),
  )
  const deafSince = createDeafness(wayIn.journal)
  const known = createKnownTokens(() => deafSince(auth.strictRevocation))
  wayIn.events.on('access', known.learn)
  state.events.on('access', known.learn)
  const { issuers, audience } = auth
  const [own] = secrets
  const sign =
    own === undefined
      ? undefined
      : (principal: TokenHolder, ttlSeconds: number, more: TokenOptions = {}) =>
          signToken(own, principal, ttlSeconds, { issuers, audience, ...more })
  return {
    authenticate: createAuthenticator({ secrets, keySets, issuers, audience, known }),
    known,
    changes: createAccessChanges({
      known,
      sign: sign && ((request, id) => sign(request, request.ttlSeconds, { id })),
      keep: wayIn.journal.append,
    }),
    signIn: config.isProduction || sign === undefined ? undefined : createSignIn(sign, config.transcripts.user),
    sign: (principal, ttlSeconds) => sign?.(principal, ttlSeconds),
    health() {
      const since = deafSince(true)
      const problems = [
        ...(since === undefined ? [] : [`what others revoked is not heard since ${new Date(since).toISOString()}`]),
        ...keySets.flatMap((set) => set.problem() ?? []),
      ]
      if (problems.length > 0) return { state: 'DEGRADED', detail: problems.join('; ') }
      return { state: 'UP', detail: `secrets: ${secrets.length}, sets of keys: ${keySets.length}` }
    },
  }
}

const SESSION_SECONDS = 12 * 3600

/** Whoever sees what the start prints runs the server. */
function createSignIn(sign: (principal: TokenHolder, ttlSeconds: number) => Promise<string>, userId: string) {
  const { token, take } = createOneTime()
  return {
    token,
    sessionSeconds: SESSION_SECONDS,
    take: async (given: string) =>
      take(given) ? sign({ userId, roles: ['viewer', 'operator'] }, SESSION_SECONDS) : undefined,
  }
}

/** Since when revocations are not heard: since the start, until the journal was read; later only where that is asked for. */
function createDeafness({ heardUntil }: OpenJournal): (strictly: boolean) => number | undefined {
  const startedAt = Date.now()
  return (strictly) => {
    const heard = heardUntil()
    if (heard === undefined) return startedAt
    return strictly && Date.now() - heard > DEAF_MS ? heard : undefined
  }
}
