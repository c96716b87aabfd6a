import { type AccessChanges, createAccessChanges } from '../access/access-changes.ts'
import { type Authenticate, createAuthenticator } from '../access/authenticator.ts'
import { createUnheardSince } from '../access/hearing.ts'
import { createKeySet, type KeySet } from '../access/key-sets.ts'
import { createKnownTokens, type KnownTokens } from '../access/known-tokens.ts'
import { createOneTime } from '../access/one-time.ts'
import type { TokenHolder } from '../access/roles.ts'
import { describeSecrets } from '../access/secret.ts'
import { signToken, type TokenOptions } from '../access/tokens.ts'
import type { Config } from '../config.ts'
import type { SignIn } from '../http/sign-in.ts'
import type { Logger } from '../observability/logger.ts'
import { watchHealth } from '../policies/health-watch.ts'
import type { SourceHealth } from '../ports/token-source.ts'
import { createLostRevocations } from './lost-revocations.ts'
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
  /** Of the sets of keys, the one that takes longest to answer; `undefined` where none was asked yet. */
  slowestKeys(): { host: string; ms: number } | undefined
  close(): void
}

export interface AccessSideOptions {
  config: Config
  /** The first signs; there may be none. */
  secrets: readonly Uint8Array[]
  wayIn: WayIn
  state: Pick<StateSide, 'events' | 'heardUntil'>
  /** Others have journals that this instance does not read: what they revoke is heard in the database alone. */
  hasOtherJournals: () => boolean
  logger: Logger
}

export function openAccessSide(options: AccessSideOptions): AccessSide {
  const { config, secrets, wayIn, state, logger } = options
  const { auth } = config
  const keySets = auth.jwksUrls.map((url) =>
    createKeySet(url, (problem) => {
      if (problem === undefined) logger.info({ url }, 'the keys of tokens are there again')
      else logger.warn({ problem }, 'the keys of tokens cannot be fetched')
    }),
  )
  const asked = keySets.map((set) => watchHealth(set.ask))
  const unheardSince = createUnheardSince({
    ofJournal: wayIn.journal.heardUntil,
    ofDatabase: config.clickhouse.url === undefined ? undefined : state.heardUntil,
    hasOtherJournals: options.hasOtherJournals,
  })
  const lostBefore = createLostRevocations({
    dataDir: config.dataDir,
    journal: wayIn.journal,
    isToldElsewhere: () => state.heardUntil() !== undefined,
    logger,
  })
  const known = createKnownTokens(() => {
    const since = unheardSince(auth.strictRevocation)
    const before = auth.strictRevocation ? lostBefore() : undefined
    return before === undefined ? since : Math.max(before, since ?? before)
  })
  state.events.on('state', (entry) => {
    if (entry.kind === 'machine-token' || entry.kind === 'revocation') known.learn(entry)
  })
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
      onRevoked: (revocation, made) =>
        logger.warn(
          { ...revocation, made },
          'access was revoked; `made`: good tokens of machines that the user had made',
        ),
    }),
    signIn: config.isProduction || sign === undefined ? undefined : createSignIn(sign, config.transcripts.user),
    sign: (principal, ttlSeconds) => sign?.(principal, ttlSeconds),
    health() {
      const [since, before] = [unheardSince(true), lostBefore()]
      const problems = [
        ...(before === undefined
          ? []
          : [
              `what was revoked before ${new Date(before).toISOString()} may be lost: a part of the journal is (docs/runbooks/access.md)`,
            ]),
        ...(since === undefined ? [] : [`what others revoked is not heard since ${new Date(since).toISOString()}`]),
        ...keySets.flatMap((set) => set.problem() ?? []),
      ]
      const ageMs = asked.length === 0 ? undefined : Math.max(...asked.map((one) => one.ageMs()))
      if (problems.length > 0) return { state: 'DEGRADED', detail: problems.join('; '), ageMs }
      return { state: 'UP', detail: `${describeSecrets(secrets)}, sets of keys: ${keySets.length}`, ageMs }
    },
    slowestKeys: () => slowestOf(keySets),
    close() {
      for (const one of asked) one.close()
    },
  }
}

const slowestOf = (keySets: readonly KeySet[]): { host: string; ms: number } | undefined =>
  keySets
    .flatMap(({ host, latencyMs }) => {
      const ms = latencyMs()
      return ms === undefined ? [] : [{ host, ms }]
    })
    .sort((a, b) => b.ms - a.ms)[0]

const SESSION_SECONDS = 12 * 3600

/** Whoever sees what the start prints runs the server. */
function createSignIn(sign: (principal: TokenHolder, ttlSeconds: number) => Promise<string>, userId: string) {
  const { token, take } = createOneTime()
  return {
    token,
    sessionSeconds: SESSION_SECONDS,
    userId,
    take: async (given: string) =>
      take(given) ? sign({ userId, roles: ['viewer', 'operator'] }, SESSION_SECONDS) : undefined,
  }
}
