import { createRemoteJWKSet, customFetch, errors, type JWSHeaderParameters } from 'jose'
import { createGuard } from '../policies/guard.ts'
import { createLatency } from '../policies/latency.ts'
import { POLICIES } from '../policies/policies.ts'

/** What keys of others may sign by. Never what a secret signs by: a public key would be taken for the secret. */
export const KEY_ALGORITHMS: readonly string[] = ['RS256', 'ES256', 'EdDSA']

/** Keys that could not be asked for again count so long. */
const KEEP_MS = 60 * 60_000
/** A key that is not known may be new: they are asked for again, but no more often, whatever tokens name. */
const COOLDOWN_MS = 5000
/** Some hundred keys. */
const MAX_BYTES = 128 << 10

/** A set of public keys that tokens may be signed with (JWKS), fetched and kept. */
export interface KeySet {
  /** The keys that may have signed a token; none where no key fits. Throws where none could be fetched. */
  keysFor(header: JWSHeaderParameters): Promise<CryptoKey[]>
  /** Fetches them anew, as is done every 30 s: so long does one count that was withdrawn. Throws where they are not there. */
  ask(): Promise<void>
  /** Why they could not be fetched when they were asked for last; `undefined` where they could. */
  problem(): string | undefined
  /** How long it took to fetch them (`Latency.ms`). */
  latencyMs(): number | undefined
  /** Where they are fetched. */
  host: string
}

/** `onProblem` hears of each new problem, and with `undefined` of its end. */
export function createKeySet(url: string, onProblem: (problem: string | undefined) => void): KeySet {
  let triedAt = Number.NEGATIVE_INFINITY
  let problem: string | undefined
  const note = (error: Error | undefined): void => {
    const next = error === undefined ? undefined : `${url}: ${reasonOf(error)}`
    if (next !== problem) onProblem(next)
    problem = next
  }
  const latency = createLatency()
  const guard = createGuard('the keys of tokens', POLICIES.keys.fetch, isAway, 'keys fetch')
  const remote = createRemoteJWKSet(new URL(url), {
    cacheMaxAge: KEEP_MS,
    cooldownDuration: COOLDOWN_MS,
    timeoutDuration: POLICIES.keys.fetch.deadlineMs,
    async [customFetch](address, options) {
      // the library waits between two fetches only where the first one succeeded
      if (Date.now() < triedAt + COOLDOWN_MS) throw new Error(problem ?? 'there are no usable keys')
      triedAt = Date.now()
      const end = latency.begin()
      const response = await guard
        .run(({ signal }) => fetchSmall(address, { ...options, signal }), { repeatable: true })
        .catch((error: Error) => {
          note(error)
          end(false)
          throw error
        })
      note(undefined)
      end(true)
      return response
    },
  })
  return {
    async keysFor(header) {
      try {
        return [await remote(header)]
      } catch (error) {
        if (error instanceof errors.JWKSMultipleMatchingKeys) return allOf(error)
        // they are known, and none of them fits, or the one that does is of no use
        if (remote.fresh) return []
        problem ?? note(error as Error)
        throw error
      }
    },
    async ask() {
      // a token has just asked
      if (Date.now() < triedAt + COOLDOWN_MS) return
      await remote.reload().catch((error: Error) => {
        note(error)
        throw error
      })
    },
    problem: () => problem,
    latencyMs: latency.ms,
    host: new URL(url).host,
  }
}

/** It is there, and answers this. */
class WrongAnswerError extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

const isAway = (error: unknown): boolean => !(error instanceof WrongAnswerError) || error.status >= 500

async function allOf<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

/** Fetches an answer that is small. Throws where it is another one than 200. */
async function fetchSmall(url: string, options: RequestInit): Promise<Response> {
  const response = await fetch(url, options)
  if (response.status !== 200) {
    await response.body?.cancel()
    throw new WrongAnswerError(response.status, `it answers ${response.status}`)
  }
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length
    // leaving the loop ends the connection
    if (bytes > MAX_BYTES) throw new WrongAnswerError(200, `its answer is larger than ${MAX_BYTES} bytes`)
    chunks.push(chunk)
  }
  return new Response(Buffer.concat(chunks))
}

function reasonOf({ cause, message }: Error): string {
  const { code, message: inner } = (cause ?? {}) as { code?: string; message?: string }
  return code ?? inner ?? message
}
