import { userInfo } from 'node:os'
import { loadJwtSecret } from '../access/secret.ts'
import { signToken } from '../access/tokens.ts'
import { readConfig } from '../config.ts'
import { findServer } from '../server-file.ts'
import type { TypedDocumentString } from './generated.ts'

export interface RemoteOptions {
  server?: string
  token?: string
  json?: boolean
}

const TOKEN_TTL_SECONDS = 60
const DEADLINE_MS = 30_000

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
  const server = options.server ?? findServer(config.dataDir)
  if (server === undefined)
    throw new Error(
      `no server was started with the data folder ${config.dataDir}; start one (npm start) or name it with --server`,
    )
  const token =
    options.token ??
    (await signToken(
      loadJwtSecret(config.authJwtSecret, config.dataDir),
      { userId: userInfo().username, roles: ['viewer', 'ingester', 'operator'] },
      TOKEN_TTL_SECONDS,
    ))
  const response = await post(new URL('/graphql', server), token, { query: document.toString(), variables })
  const { data, errors } = response as { data?: Result; errors?: { message: string; extensions?: { code?: string } }[] }
  const [error] = errors ?? []
  if (error !== undefined) throw new Error(`${error.extensions?.code ?? 'ERROR'}: ${error.message}`)
  if (data === undefined || data === null) throw new Error(`${server} gave no GraphQL answer`)
  return data
}

async function post(url: URL, token: string, body: unknown): Promise<unknown> {
  let response: Response
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(DEADLINE_MS),
    })
  } catch (error) {
    const { cause } = error as { cause?: { code?: string } }
    throw new Error(`${url.origin} does not answer (${cause?.code ?? (error as Error).message})`, { cause: error })
  }
  try {
    return await response.json()
  } catch (error) {
    throw new Error(`${url.origin} answered ${response.status}, not GraphQL`, { cause: error })
  }
}
