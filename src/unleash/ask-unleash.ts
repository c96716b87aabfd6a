import { isBridgeError } from '../domain/errors.ts'
import { createGuard } from '../policies/guard.ts'
import type { Policy } from '../policies/policies.ts'
import { type Definitions, parseDefinitions } from './definitions.ts'

/** An answer that is larger is none: thousands of flags take a few megabytes. */
const MAX_ANSWER_BYTES = 32 << 20
/** The version of Unleash's specification whose answers are understood: segments stand apart from the flags. */
const CLIENT_SPEC = '5.2.0'

/** What came of a question; `text` is the answer as it came. */
export type Answer =
  | { kind: 'flags'; definitions: Definitions; text: string; etag: string | undefined }
  | { kind: 'unchanged' }
  /** `refused`: the token; `unreachable`: no answer, or not now; `unusable`: an answer that is no list of flags. */
  | { kind: 'refused' | 'unreachable' | 'unusable'; problem: string }

export interface Asked {
  /** `http://host:4242/api`. */
  url: string
  apiToken: string | undefined
  appName: string
  instanceId: string
  /** Nobody wants an answer any more. */
  signal: AbortSignal
  policy: Policy
}

/**
 * Asks Unleash for all flags, as its policy says. `etag` is that of the answer that is known already. Never throws;
 * `undefined` while it is left alone.
 */
export type AskUnleash = (etag: string | undefined) => Promise<Answer | undefined>

export function createAsking(asked: Asked): AskUnleash {
  const guard = createGuard('Unleash', asked.policy, (error) => error instanceof Unreachable, 'unleash poll')
  return async (etag) => {
    let last: Answer | undefined
    try {
      return await guard.run(
        async ({ signal }) => {
          last = await askOnce(asked, etag, signal)
          if (last.kind === 'unreachable') throw new Unreachable()
          return last
        },
        { repeatable: true, signal: asked.signal },
      )
    } catch (error) {
      // a trial call that failed is not repeated, as it is left alone again: what came of it is told all the same
      if (error instanceof Unreachable || isBridgeError(error)) return last
      throw error
    }
  }
}

/** Unleash did not answer, or not now. */
class Unreachable extends Error {}

/** Never throws. */
async function askOnce(
  { url, apiToken, appName, instanceId }: Asked,
  etag: string | undefined,
  signal: AbortSignal,
): Promise<Answer> {
  try {
    const response = await fetch(`${url.replace(/\/+$/, '')}/client/features`, {
      headers: {
        'unleash-appname': appName,
        'unleash-instanceid': instanceId,
        'unleash-client-spec': CLIENT_SPEC,
        ...(apiToken === undefined ? {} : { authorization: apiToken }),
        ...(etag === undefined ? {} : { 'if-none-match': etag }),
      },
      signal,
    })
    const { status } = response
    if (response.ok) return readFlags(url, await readText(response), response.headers.get('etag') ?? undefined)
    await response.body?.cancel()
    if (status === 304) return { kind: 'unchanged' }
    if (status === 401 || status === 403)
      return {
        kind: 'refused',
        problem: `${url} refuses the token (${status}): UNLEASH_API_TOKEN must be a backend token of this Unleash`,
      }
    if (status === 429 || status >= 500) return { kind: 'unreachable', problem: `${url} answers ${status}` }
    return unusable(url, `it answers ${status}`)
  } catch (error) {
    const { cause, message } = error as Error & { cause?: { code?: string; message?: string } }
    return { kind: 'unreachable', problem: `${url} does not answer (${cause?.code ?? cause?.message ?? message})` }
  }
}

function readFlags(url: string, text: string | undefined, etag: string | undefined): Answer {
  if (text === undefined) return unusable(url, `its answer is larger than ${MAX_ANSWER_BYTES} bytes`)
  try {
    return { kind: 'flags', definitions: parseDefinitions(text), text, etag }
  } catch (error) {
    return unusable(url, (error as Error).message)
  }
}

function unusable(url: string, why: string): Answer {
  return { kind: 'unusable', problem: `${url} is no Unleash API (${why}): UNLEASH_URL must end in /api` }
}

/** The body, or `undefined` where it is too large. */
async function readText(response: Response): Promise<string | undefined> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length
    // leaving the loop ends the connection
    if (bytes > MAX_ANSWER_BYTES) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
