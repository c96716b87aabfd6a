import { userInfo } from 'node:os'
import type { TokenHolder } from '../access/roles.ts'
import { loadJwtSecrets } from '../access/secret.ts'
import { signToken } from '../access/tokens.ts'
import { type Config, readConfig } from '../config.ts'
import { readSecret } from '../secret-files.ts'
import { findListening } from '../server-file.ts'
import { fetchFrom } from './fetch-from.ts'
import type { TypedDocumentString } from './generated.ts'
import { UsageError } from './usage-error.ts'

export interface RemoteOptions {
  server?: string
  token?: string
  /** Holds the token; read at each request, so that it can be replaced while a command runs. */
  tokenFile?: string
  json?: boolean
  /** For what takes its time; 30 seconds where it is absent. */
  deadlineMs?: number
}

/** What the server, or the way to it, has to say against a request. */
export class RequestError extends Error {
  /** Of the contract; `UNREACHABLE` where there was no answer. */
  readonly code: string
  /** Whether the same request may succeed later. */
  readonly retryable: boolean
  /** When it may, where the server says so. */
  readonly retryAfterSeconds: number | undefined

  constructor(
    code: string,
    message: string,
    retryable: boolean,
    { cause, retryAfterSeconds }: { cause?: unknown; retryAfterSeconds?: number | undefined } = {},
  ) {
    super(message, { cause })
    this.retryAfterSeconds = retryAfterSeconds
    this.name = 'RequestError'
    this.code = code
    this.retryable = retryable
  }
}

const TOKEN_TTL_SECONDS = 60
const DEADLINE_MS = 30_000
/** A server that starts, or ends, is waited for. */
export const START_MS = 10_000

/**
 * Sends a document of `schema/operations/` to the bridge. Without `--server` and `--token` it is the one of
 * this machine's data folder: who may read the folder's secret may do everything.
 */
export async function request<Result, Variables>(
  document: TypedDocumentString<Result, Variables>,
  variables: Variables,
  options: RemoteOptions,
): Promise<Result> {
  const config = readConfig()
  const found = options.server === undefined ? await findListening(config.dataDir, START_MS) : { url: options.server }
  if (found === undefined)
    throw new Error(
      `no server was started with the data folder ${config.dataDir}; start one (npm start) or name it with --server`,
    )
  const token = givenToken(options, config) ?? (await ownToken(config))
  const response = await post({
    ...found,
    token,
    body: { query: document.toString(), variables },
    deadlineMs: options.deadlineMs ?? DEADLINE_MS,
  })
  const { data, errors } = response as {
    data?: Result
    errors?: { message: string; extensions?: { code?: string; retryable?: boolean; retryAfterSeconds?: number } }[]
  }
  const [error] = errors ?? []
  if (error !== undefined) {
    const { code = 'ERROR', retryable = false, retryAfterSeconds } = error.extensions ?? {}
    throw new RequestError(code, `${code}: ${error.message}`, retryable, { retryAfterSeconds })
  }
  if (data === undefined || data === null) throw new Error(`${found.url} gave no GraphQL answer`)
  return data
}

/** By the command, else by the environment; `undefined`: neither. */
export function givenToken({ token, tokenFile }: RemoteOptions, { cliToken }: Config): string | undefined {
  if (token !== undefined && tokenFile !== undefined) throw new UsageError('one of --token and --token-file is enough')
  if (tokenFile === undefined) return token ?? cliToken
  try {
    return readSecret(tokenFile)
  } catch (error) {
    throw new Error(`--token-file ${tokenFile} ${(error as Error).message}`, { cause: error })
  }
}

async function ownToken({ auth, dataDir }: Config): Promise<string> {
  const [secret] = loadJwtSecrets(auth, dataDir)
  if (secret === undefined)
    throw new Error(
      'tokens are signed elsewhere: there is AUTH_JWKS_URL, and no AUTH_JWT_SECRET; pass one by --token-file',
    )
  const principal: TokenHolder = { userId: userInfo().username, roles: ['viewer', 'ingester', 'operator'] }
  return signToken(secret, principal, TOKEN_TTL_SECONDS, auth)
}

interface Posted {
  /** Of the server. */
  url: string
  /** Of a server on this machine. */
  certificate?: string | undefined
  token: string
  body: unknown
  deadlineMs: number
}

async function post({ url, certificate, token, body, deadlineMs }: Posted): Promise<unknown> {
  const { origin } = new URL(url)
  const sending = certificate === undefined ? fetch : fetchFrom(certificate)
  let response: Response
  try {
    response = await sending(`${origin}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(deadlineMs),
    })
  } catch (error) {
    const { cause, code } = error as { cause?: { code?: string }; code?: string }
    const reason = cause?.code ?? code ?? (error as Error).message
    throw new RequestError('UNREACHABLE', `${origin} does not answer (${reason})`, true, { cause: error })
  }
  try {
    return await response.json()
  } catch (error) {
    const message = `${origin} answered ${response.status}, not GraphQL`
    throw new RequestError('UNREACHABLE', message, response.status >= 500, { cause: error })
  }
}
