import { userInfo } from 'node:os'
import { isUserId } from '../access/tokens.ts'
import { LIMITS } from '../domain/limits.ts'
import { type RemoteOptions, RequestError, request } from './client.ts'
import { MachineTokensDocument, RevokeAccessDocument } from './generated.ts'
import { byServer } from './noting.ts'
import { printJson, printLines } from './terminal.ts'
import { UsageError } from './usage-error.ts'

interface Revocation {
  user?: string
  id?: string
  reason: string
  /** Also the tokens of machines that the user has made. */
  made?: boolean
}

/** What is known of what was taken away; `undefined` where a server does not tell: it is isolated. */
interface Revoked {
  /** Good tokens of machines that the user had made. */
  made?: number | undefined
  /** Whether the token is one of a machine. */
  known?: boolean | undefined
}

/** `token-bridge revoke`: of a user, or one token; by the server, or where none answers in the journal on this machine. */
export async function revokeAccess(options: RemoteOptions & Revocation): Promise<void> {
  const who = requireTarget(options)
  const byIt = await byServer(options, (asked) => revokeByServer(options, asked))
  const { made, known } = byIt ?? (await revokeInJournal(options))
  if (options.json) return void printJson({ revoked: true, made, known })
  if (known === false)
    return printLines([
      `no machine token ${options.id} is known (see token-bridge machine-token list); a token whose claim jti is that is refused from now on`,
    ])
  const when = byIt === undefined ? 'no server answers: from the next start on ' : ''
  printLines([`${when}${who} revoked`, ...describeMade(options, made)])
}

/** What is taken away, for people. */
function requireTarget({ user, id, reason, made }: Revocation): string {
  if ((user === undefined) === (id === undefined)) throw new UsageError('revoke wants one of --user and --id')
  if (made && user === undefined) throw new UsageError('--made wants --user: it is users who make tokens')
  for (const [option, text] of Object.entries({ user, id, reason }))
    if (text !== undefined && !isUserId(text))
      throw new UsageError(
        `--${option} must have 1 to ${LIMITS.nameLength.value} characters, and none that control or cannot be seen`,
      )
  return user === undefined ? `the token ${id} is` : `all tokens of ${user} until now are`
}

async function revokeByServer({ user, id, reason, made }: Revocation, asked: RemoteOptions): Promise<Revoked> {
  // asked before, as the token that asks may be the one that is revoked
  const tokens = await listed(asked)
  await request(RevokeAccessDocument, { userId: user ?? null, tokenId: id ?? null, reason, made: made ?? null }, asked)
  if (user === undefined) return { known: tokens?.some((token) => token.id === id) }
  return { made: tokens?.filter(({ by, revokedAt }) => by === user && revokedAt == null).length }
}

async function listed(asked: RemoteOptions) {
  try {
    return (await request(MachineTokensDocument, {}, asked)).machineTokens
  } catch (error) {
    // it keeps nobody from taking tokens away
    if (error instanceof RequestError && error.code !== 'UNREACHABLE') return undefined
    throw error
  }
}

async function revokeInJournal({ user, id, reason, made }: Revocation): Promise<Revoked> {
  // the parts of the server are not loaded before they are needed
  const { revokeOffline } = await import('../main.ts')
  const target = user === undefined ? { tokenId: id as string } : { userId: user, ...(made && { made }) }
  return revokeOffline({ target, reason, by: userInfo().username })
}

function describeMade({ user, made }: Revocation, count: number | undefined): string[] {
  if (user === undefined || count === 0) return []
  const tokens = count === undefined ? 'all tokens of machines' : `${count} of machines`
  if (made) return [`and ${tokens} that ${user} had made`]
  return [
    `${tokens} that ${user} had made stay good: --made takes them as well (token-bridge machine-token list shows who made which)`,
  ]
}
